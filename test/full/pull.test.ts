import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../built.js";
import { checkpoint } from "../catalogue/checkpoint.js";
import { type Behaviour, good, type Misbehaving, misbehave, tagOf } from "../catalogue/server.js";
import { randomFrom } from "../servers/attack.js";

const KILLS = 100;
const NAME = "timm/resnet18.a1_in1k";
const FILE = "timm--resnet18.a1_in1k.safetensors";
const bin = fileURLToPath(new URL("bin/resnet-edge.js", root));
const body = checkpoint([2, 2, 2, 2]);
let site: Misbehaving;

/** A MB each 5 ms, from where it was asked for. */
const steady: Behaviour = async (request, response) => {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const range = from ? { "content-range": `bytes ${from}-${body.length - 1}/${body.length}` } : {};
  response.writeHead(from ? 206 : 200, { etag: tag, "content-length": body.length - from, ...range });
  for (let at = from; at < body.length && !response.destroyed; at += 1 << 20) {
    response.write(body.subarray(at, at + (1 << 20)));
    await new Promise((go) => setTimeout(go, 5));
  }
  response.end();
};
const tag = tagOf(body);

beforeAll(async () => {
  site = await misbehave(body, steady);
});
afterAll(() => site.close());

function start(cache: string) {
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  return spawn(process.execPath, [bin, "pull", NAME, "--from", site.origin], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

test(`${KILLS} kills at random: never a false file in place, never more than the file's size, and the right one at the end`, {
  timeout: 1_200_000,
}, async () => {
  const cache = await mkdtemp(join(tmpdir(), "kills-"));
  const folder = join(cache, "resnet-edge", "models");
  const random = randomFrom(1);
  let [whole, parts] = [0, 0];
  for (let kill = 0; kill < KILLS; kill++) {
    const child = start(cache);
    const ended = once(child, "close");
    const timer = setTimeout(() => child.kill("SIGKILL"), 200 + 1800 * random());
    await ended;
    clearTimeout(timer);
    for (const name of await readdir(folder).catch(() => [])) {
      const { size } = await stat(join(folder, name));
      expect(size).toBeLessThanOrEqual(body.length);
      if (name === `${FILE}.part` && size > 0) parts++;
      if (name !== FILE) continue;
      whole++;
      expect(body.equals(await readFile(join(folder, FILE)))).toBe(true);
      await rm(join(folder, FILE));
    }
  }
  const last = start(cache);
  expect(await once(last, "close")).toEqual([0, null]);
  expect(await readdir(folder)).toEqual([FILE]);
  expect(body.equals(await readFile(join(folder, FILE)))).toBe(true);
  console.log(`${KILLS} pulls killed: ${parts} left a part, ${whole} had finished`);
  await rm(cache, { recursive: true });
});

/** Where this machine lets a test mount memory as a small disk. */
async function smallDisk(): Promise<string | null> {
  const folder = join(await mkdtemp(join(tmpdir(), "disk-")), "small");
  await mkdir(folder);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], { stdio: "ignore" });
    return folder;
  } catch {
    return null;
  }
}

test("a disk that is full: one line, exit status 1, and no false file", { timeout: 60_000 }, async () => {
  const disk = await smallDisk();
  if (!disk) return console.log("skipped: a small disk needs the right to mount");
  try {
    const fast = await misbehave(body, good);
    const child = spawn(process.execPath, [bin, "pull", NAME, "--from", fast.origin], {
      env: { ...process.env, XDG_CACHE_HOME: disk },
    });
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    expect(await once(child, "close")).toEqual([1, null]);
    fast.close();
    expect(stderr).toMatch(/^resnet-edge: SourceError: The disk is full after \d+ bytes of .*Make room[^\n]*\n$/);
    expect((await readdir(join(disk, "resnet-edge", "models"))).sort()).toEqual([`${FILE}.part`, `${FILE}.part.json`]);
  } finally {
    execFileSync("umount", [disk]);
  }
});
