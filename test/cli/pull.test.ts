import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import labels from "../../src/catalogue/imagenet-labels.json" with { type: "json" };
import { root } from "../built.js";
import { type Behaviour, good, type Misbehaving, misbehave, tagOf } from "../catalogue/server.js";

let cache: string;
let server: Misbehaving;

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "cache-"));
  server = await misbehave(await readFile(new URL("models/cifar10-resnet20.safetensors", root)), good);
});
afterAll(() => server.close());

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command with a cache of its own; asynchronous, for this process is its server. */
function start(...words: string[]): { process: ChildProcess; result: Promise<Result> } {
  return watch(process.execPath, [bin, ...words]);
}
/** The same where no file may grow beyond so many blocks of 1,024 bytes. */
start.limited = (blocks: number, ...words: string[]) =>
  watch("bash", ["-c", `ulimit -f ${blocks}; exec "$@"`, "bash", process.execPath, bin, ...words]);

const bin = fileURLToPath(new URL("bin/resnet-edge.js", root));

function watch(
  file: string,
  words: string[],
  cwd = fileURLToPath(root),
): { process: ChildProcess; result: Promise<Result> } {
  const child = spawn(file, words, { env: { ...process.env, XDG_CACHE_HOME: cache }, cwd });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  return {
    process: child,
    result: new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr }))),
  };
}

const run = (...words: string[]) => start(...words).result;

interface Safetensors {
  readonly header: Record<string, { shape: number[]; data_offsets: [number, number] }>;
  readonly data: Buffer;
}

function readSafetensors(file: Buffer): Safetensors {
  const length = Number(file.readBigUInt64LE());
  const { __metadata__, ...header } = JSON.parse(file.toString("utf8", 8, 8 + length));
  return { header, data: file.subarray(8 + length) };
}

/** The same network with a last layer of so many classes. */
function withClasses({ header, data }: Safetensors, classes: number): Buffer {
  const depth = header["fc.weight"]!.shape[1]!;
  const parts: Buffer[] = [];
  let end = 0;
  for (const [name, tensor] of Object.entries(header)) {
    let bytes = data.subarray(...tensor.data_offsets);
    if (name.startsWith("fc.")) {
      tensor.shape = name === "fc.weight" ? [classes, depth] : [classes];
      const length = tensor.shape.reduce((a, b) => a * b);
      bytes = Buffer.from(Float32Array.from({ length }, (_, at) => Math.sin(at)).buffer);
    }
    tensor.data_offsets = [end, end + bytes.length];
    parts.push(bytes);
    end += bytes.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}

test("the list has names, sizes, licences and what is here", async () => {
  const { code, stdout } = await run("pull", "--list");
  expect(code).toBe(0);
  expect(stdout).toMatch(/resnet50\s+103 MB\s+80\.9 %\s+BSD-3-Clause/);
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

const folder = () => join(cache, "resnet-edge", "models");
const partsOf = async (name: string) => (await readdir(folder())).filter((it) => it.startsWith(name));

test("another file under a known name is refused: by its length, or by its hash", async () => {
  const { code, stderr } = await run("pull", "resnet18", "--from", server.origin);
  expect(code).toBe(1);
  expect(stderr).toMatch(/ModelFormatError: .*has \d+ bytes, but resnet18 has 46830453.*Nothing was kept/);
  const forged = await misbehave(Buffer.alloc(46_830_453), good);
  const other = await run("pull", "resnet18", "--from", forged.origin);
  forged.close();
  expect(other.code).toBe(1);
  expect(other.stderr).toMatch(/ModelFormatError: .*SHA-256.*not f37072fd.*Nothing was kept/);
  expect(await partsOf("resnet18")).toEqual([]);
});

/** Half of what was asked for, and then nothing, with the connection open. */
const hang: Behaviour = (_, response, body) => {
  response.writeHead(200, { etag: tagOf(body), "content-length": body.length });
  response.write(body.subarray(0, body.length / 2));
};

test("Ctrl-C leaves the part, and the next pull asks for the rest alone", async () => {
  const body = randomBytes(2_000_000);
  const slow = await misbehave(body, hang, good);
  const words = ["pull", "timm/resnet34.a1_in1k", "--from", slow.origin, "--json"];
  const child = start(...words);
  const part = join(folder(), "timm--resnet34.a1_in1k.safetensors.part");
  while ((await stat(part).catch(() => null))?.size !== body.length / 2) await new Promise((go) => setTimeout(go, 20));
  child.process.kill("SIGINT");
  const stopped = await child.result;
  expect(stopped.code).toBe(130);
  expect(stopped.stderr).toMatch(/interrupted; pull again to go on/);
  const { code, stdout } = await run(...words);
  slow.close();
  expect(code).toBe(0);
  expect(JSON.parse(stdout).resumedFrom).toBe(body.length / 2);
  expect(slow.ranges).toEqual([null, `bytes=${body.length / 2}-`]);
  expect(body.equals(await readFile(JSON.parse(stdout).file))).toBe(true);
});

test("killed in the middle: the next pull is not held up, and goes on", async () => {
  const body = randomBytes(2_000_000);
  const slow = await misbehave(body, hang, good);
  const words = ["pull", "timm/resnet50.a1_in1k", "--from", slow.origin, "--json"];
  const child = start(...words);
  const part = join(folder(), "timm--resnet50.a1_in1k.safetensors.part");
  while ((await stat(part).catch(() => null))?.size !== body.length / 2) await new Promise((go) => setTimeout(go, 20));
  child.process.kill("SIGKILL");
  await child.result;
  const { code, stdout } = await run(...words);
  slow.close();
  expect(code).toBe(0);
  expect(slow.ranges).toEqual([null, `bytes=${body.length / 2}-`]);
  expect(body.equals(await readFile(JSON.parse(stdout).file))).toBe(true);
});

test("two commands at once: both have the same whole file", async () => {
  const body = randomBytes(2_000_000);
  const site = await misbehave(body, good);
  const words = ["pull", "timm/resnet101.a1_in1k", "--from", site.origin, "--json"];
  const results = await Promise.all([run(...words), run(...words)]);
  site.close();
  for (const { code, stdout } of results) {
    expect(code).toBe(0);
    expect(body.equals(await readFile(JSON.parse(stdout).file))).toBe(true);
  }
  expect(site.ranges.length).toBe(1);
  expect(await partsOf("timm--resnet101")).toEqual(["timm--resnet101.a1_in1k.safetensors"]);
});

test("a disk that is full: says so, and what came is kept for later", async () => {
  const body = randomBytes(2_000_000);
  const site = await misbehave(body, good);
  const words = ["pull", "timm/resnet152.a1_in1k", "--from", site.origin, "--json"];
  // A limit on the size of files fails in the middle of a write, as a full disk does.
  const full = await start.limited(1000, ...words).result;
  expect(full.code).toBe(1);
  expect(full.stderr).toMatch(/SourceError: The disk is full after 1024000 bytes.*Make room/);
  const { code, stdout } = await run(...words);
  site.close();
  expect(code).toBe(0);
  expect(site.ranges).toEqual([null, "bytes=1024000-"]);
  expect(body.equals(await readFile(JSON.parse(stdout).file))).toBe(true);
});

test("a pulled name brings ImageNet's labels and scales its resize with the input", async () => {
  const state = readSafetensors(await readFile(new URL("models/cifar10-resnet20.safetensors", root)));
  const site = await misbehave(withClasses(state, 1000), good);
  expect((await run("pull", "timm/resnet18d.ra2_in1k", "--from", site.origin)).code).toBe(0);
  site.close();
  const words = ["classify", "examples/photos/cat.jpg", "--top-k", "1", "--json", "--model"];
  const { code, stdout, stderr } = await run(...words, "timm/resnet18d.ra2_in1k");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const [{ index, label }] = JSON.parse(stdout).predictions;
  expect(label).toBe(labels[index]);
  const wider = await run("inspect", "timm/resnet18d.ra2_in1k", "--input-size", "448", "--json");
  expect(JSON.parse(wider.stdout).preprocess).toMatchObject({ crop: 448, resize: 512, interpolation: "bicubic" });
});

test("a path that exists wins over a name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "models-"));
  await writeFile(join(folder, "resnet34"), "no model");
  const { stderr } = await watch(process.execPath, [bin, "inspect", "resnet34"], folder).result;
  expect(stderr).toMatch(/ModelFormatError: resnet34/);
});

test("usage", async () => {
  expect((await run("pull")).code).toBe(2);
  expect((await run("pull", "nothing")).code).toBe(2);
  expect((await run("pull", "resnet18", "--from", "nowhere")).code).toBe(2);
});
