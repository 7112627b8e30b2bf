import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import labels from "../../src/catalogue/imagenet-labels.json" with { type: "json" };
import { root } from "../built.js";
import { checkpoint } from "../catalogue/checkpoint.js";
import { type Behaviour, good, type Misbehaving, misbehave, tagOf } from "../catalogue/server.js";

let cache: string;
let server: Misbehaving;

/** What passes for timm's ResNet-18. */
const body = checkpoint([2, 2, 2, 2]);
const HALF = body.length >> 1;
const NAME = "timm/resnet18.a1_in1k";

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "cache-"));
  return () => rm(cache, { recursive: true });
});
beforeAll(async () => {
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
  env: NodeJS.ProcessEnv = { ...process.env, XDG_CACHE_HOME: cache },
): { process: ChildProcess; result: Promise<Result> } {
  const child = spawn(file, words, { env, cwd });
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
  const site = await misbehave(body, good);
  const pulled = await run("pull", NAME, "--from", site.origin, "--json");
  site.close();
  expect(pulled.stderr).toBe("");
  expect(pulled.code).toBe(0);
  expect(JSON.parse(pulled.stdout).checked).toMatch(/found to be that network/);
  const { stdout } = await run("inspect", NAME, "--json");
  expect(JSON.parse(stdout).preprocess).toMatchObject({ interpolation: "bicubic", resize: 235 });
});

const FILE = "timm--resnet18.a1_in1k.safetensors";
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

test("what no hash is known of is still read: another network is refused, and what fails is replaced", async () => {
  const file = join(folder(), FILE);
  // Of the right length, with a block under another name.
  const forged = Buffer.from(body);
  forged.set(
    Buffer.from(forged.subarray(8, 300_000).toString("latin1").replaceAll("layer4.1.", "layer4.2."), "latin1"),
    8,
  );
  const site = await misbehave(forged, good);
  const { code, stderr } = await run("pull", NAME, "--from", site.origin);
  site.close();
  expect(code).toBe(1);
  expect(stderr).toMatch(/ModelFormatError: .*is not the checkpoint that was meant: .*Nothing was kept/);
  expect(await partsOf("timm--resnet18.a1")).toEqual([]);
  await writeFile(file, forged);
  const sound = await misbehave(body, good);
  const again = await run("pull", NAME, "--from", sound.origin);
  sound.close();
  expect(again).toMatchObject({ code: 0, stderr: "" });
  expect(sound.ranges).toEqual([null]);
});

/** Half of what was asked for, and then nothing, with the connection open. */
const hang: Behaviour = (_, response, body) => {
  response.writeHead(200, { etag: tagOf(body), "content-length": body.length });
  response.write(body.subarray(0, HALF));
};

test("Ctrl-C leaves the part, and the next pull asks for the rest alone", async () => {
  const slow = await misbehave(body, hang, good);
  const words = ["pull", NAME, "--from", slow.origin, "--json"];
  const child = start(...words);
  const part = join(folder(), `${FILE}.part`);
  while ((await stat(part).catch(() => null))?.size !== HALF) await new Promise((go) => setTimeout(go, 20));
  child.process.kill("SIGINT");
  const stopped = await child.result;
  expect(stopped.code).toBe(130);
  expect(stopped.stderr).toMatch(/interrupted; pull again to go on/);
  const { code, stdout } = await run(...words);
  slow.close();
  expect(code).toBe(0);
  expect(JSON.parse(stdout).resumedFrom).toBe(HALF);
  expect(slow.ranges).toEqual([null, `bytes=${HALF}-`]);
  expect(body.equals(await readFile(JSON.parse(stdout).file))).toBe(true);
});

test("killed in the middle: the next pull is not held up, and goes on", async () => {
  const slow = await misbehave(body, hang, good);
  const words = ["pull", NAME, "--from", slow.origin, "--json"];
  const child = start(...words);
  const part = join(folder(), `${FILE}.part`);
  while ((await stat(part).catch(() => null))?.size !== HALF) await new Promise((go) => setTimeout(go, 20));
  child.process.kill("SIGKILL");
  await child.result;
  const { code, stdout } = await run(...words);
  slow.close();
  expect(code).toBe(0);
  expect(slow.ranges).toEqual([null, `bytes=${HALF}-`]);
  expect(body.equals(await readFile(JSON.parse(stdout).file))).toBe(true);
});

test("two commands at once: both have the same whole file", async () => {
  const site = await misbehave(body, good);
  const words = ["pull", NAME, "--from", site.origin, "--json"];
  const results = await Promise.all([run(...words), run(...words)]);
  site.close();
  for (const { code, stdout } of results) {
    expect(code).toBe(0);
    expect(body.equals(await readFile(JSON.parse(stdout).file))).toBe(true);
  }
  expect(site.ranges.length).toBe(1);
  expect(await partsOf("timm--")).toEqual([FILE]);
});

test("a disk that is full: says so, and what came is kept for later", async () => {
  const site = await misbehave(body, good);
  const words = ["pull", NAME, "--from", site.origin, "--json"];
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

test.each(["", ".part", ".part.json", ".lock"])(
  "a link or folder at the file's name%s is named, not followed",
  async (ending) => {
    const [path, elsewhere] = [join(folder(), FILE + ending), join(cache, "elsewhere")];
    await mkdir(folder(), { recursive: true });
    await writeFile(elsewhere, "mine");
    await symlink(elsewhere, path);
    const site = await misbehave(body, good);
    const linked = await run("pull", NAME, "--from", site.origin);
    expect(linked.code).toBe(1);
    expect(linked.stderr).toContain(`SourceError: ${path} is a symbolic link`);
    await rm(path);
    await mkdir(path);
    const { code, stderr } = await run("pull", NAME, "--from", site.origin);
    site.close();
    expect(code).toBe(1);
    expect(stderr).toContain(`SourceError: ${path} is a folder`);
    expect(stderr.trim().split("\n").length).toBe(1);
    expect(await readFile(elsewhere, "utf8")).toBe("mine");
    expect(await partsOf("timm--")).toEqual([FILE + ending]);
  },
);

test.skipIf(process.platform !== "linux")(
  "a cache where nobody can make folders is named at once (Linux's /proc)",
  async () => {
    const file = join(cache, "a file");
    await writeFile(file, "");
    await symlink(join(cache, "loop"), join(cache, "loop"));
    for (const place of ["/proc/nowhere", file, join(cache, "loop")]) {
      const env = { ...process.env, XDG_CACHE_HOME: place };
      const pulled = await watch(process.execPath, [bin, "pull", NAME, "--from", server.origin], undefined, env).result;
      expect(pulled.code).toBe(1);
      expect(pulled.stderr).toMatch(
        /^resnet-edge: SourceError: .* cannot be written to: .*Set XDG_CACHE_HOME[^\n]*\n$/,
      );
      const words = ["classify", "examples/photos/cat.jpg", "--top-k", "1"];
      expect(await watch(process.execPath, [bin, ...words], undefined, env).result).toMatchObject({
        code: 0,
        stderr: "",
      });
    }
  },
);

/** Root can become a user who is not in the list of users, where that one may read this folder. */
const homeless = ["--reuid", "54321", "--clear-groups"];
const canBeHomeless = spawnSync("setpriv", [...homeless, "test", "-r", bin]).status === 0;

test.skipIf(!canBeHomeless)("a user without a home (skipped where setpriv cannot make one)", async () => {
  const { HOME: _, XDG_CACHE_HOME: __, ...env } = process.env;
  const words = [...homeless, process.execPath, bin, "pull", NAME, "--from", server.origin];
  const { code, stderr } = await watch("setpriv", words, undefined, env).result;
  expect(code).toBe(1);
  expect(stderr).toBe(
    "resnet-edge: SourceError: This user has no home folder. Set XDG_CACHE_HOME to a folder for the cache.\n",
  );
});

test("a pulled name brings ImageNet's labels and scales its resize with the input", async () => {
  const site = await misbehave(checkpoint([2, 2, 2, 2], { deep: true }), good);
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
  expect((await run("pull", "resnet18", "--from", "http://[")).code).toBe(2);
  const secret = await run("pull", "resnet18", "--from", "http://user:word@127.0.0.1");
  expect(secret.code).toBe(2);
  expect(secret.stderr).not.toContain("word@");
});
