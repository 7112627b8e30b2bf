import { spawn } from "node:child_process";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../built.js";
import { good, type Misbehaving, misbehave } from "../catalogue/server.js";

let cache: string;
let server: Misbehaving;

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "cache-"));
  server = await misbehave(await readFile(new URL("models/cifar10-resnet20.safetensors", root)), good);
});
afterAll(() => server.close());

/** The command with a cache of its own; asynchronous, for this process is its server. */
function run(...words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const bin = fileURLToPath(new URL("bin/resnet-edge.js", root));
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  const child = spawn(process.execPath, [bin, ...words], { env, cwd: fileURLToPath(root) });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

test("the list has names, sizes, licences and what is here", async () => {
  const { code, stdout } = await run("pull", "--list");
  expect(code).toBe(0);
  expect(stdout).toMatch(/resnet50\s+about 102 MB\s+80\.9 %\s+BSD-3-Clause/);
  const lines = (await run("pull", "--list", "--json")).stdout.trim().split("\n");
  const entry = JSON.parse(lines[0]!);
  expect(entry).toMatchObject({ name: "resnet18", sha256: "f37072fd", pulled: false });
});

test("a name that is not here yet says what to do", async () => {
  const { code, stderr } = await run("classify", "examples/photos/cat.jpg", "--model", "resnet50");
  expect(code).toBe(1);
  expect(stderr).toMatch(/SourceError: resnet50 is in the catalogue, but not here yet: run resnet-edge pull resnet50/);
});

test("pulled once, used by its name with its own preprocessing", async () => {
  const pulled = await run("pull", "timm/resnet18.a1_in1k", "--from", server.origin, "--json");
  expect(pulled.stderr).toBe("");
  expect(pulled.code).toBe(0);
  expect(JSON.parse(pulled.stdout).checked).toMatch(/no hash is known/);
  const { stdout } = await run("inspect", "timm/resnet18.a1_in1k", "--json");
  expect(JSON.parse(stdout).preprocess).toMatchObject({ interpolation: "bicubic", resize: 235 });
});

test("another file under a known name is refused", async () => {
  const { code, stderr } = await run("pull", "resnet18", "--from", server.origin);
  expect(code).toBe(1);
  expect(stderr).toMatch(/ModelFormatError: .*Nothing was kept/);
});

test("usage", async () => {
  expect((await run("pull")).code).toBe(2);
  expect((await run("pull", "nothing")).code).toBe(2);
});
