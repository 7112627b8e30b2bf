import { fork } from "node:child_process";
import { EventEmitter } from "node:events";
import { closeSync, existsSync, readlinkSync, writeSync } from "node:fs";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { CropMemory, openMemory, readMemory, writeMemory } from "../../src/image/crop-memory.js";
import { cropApart } from "../../src/image/decoder-process.js";
import { frame, MEMORY, Unframer, WITH_MEMORY } from "../../src/image/framing.js";
import { root } from "../built.js";

const hasMemory = existsSync("/dev/shm");
const noMemory = hasMemory ? "" : " (skipped: there is no /dev/shm)";
const spec = { resize: 2, crop: 2, mode: "squash", mean: [0, 0, 0], interpolation: "bilinear" } as const;
const photo = Buffer.from(fileURLToPath(new URL("test/fixtures/images/rgb.png", root)));
const request = Buffer.from(JSON.stringify(spec));

test("memory that is given back is taken again; other memory is not kept", () => {
  const memory = new CropMemory();
  const [first, second] = [memory.take(12), memory.take(12)];
  expect(first.buffer).not.toBe(second.buffer);
  expect(memory.give(new Uint8Array(12))).toBe(false);
  expect(memory.give(first)).toBe(true);
  expect(memory.take(12)).toBe(first);
});

test.skipIf(noMemory)(`a file in memory has no name, and says where it has less than was asked for${noMemory}`, () => {
  const file = openMemory()!;
  try {
    expect(readlinkSync(`/proc/self/fd/${file}`)).toMatch(/^\/dev\/shm\/.* \(deleted\)$/);
    expect(writeMemory(file, Uint8Array.of(1, 2, 3))).toBe(true);
    const target = new Uint8Array(3);
    expect(readMemory(file, target)).toBe(true);
    expect([...target]).toEqual([1, 2, 3]);
    expect(readMemory(file, new Uint8Array(4))).toBe(false);
    expect(writeMemory(-1, target)).toBe(false);
  } finally {
    closeSync(file);
  }
});

/** What the decoder's process says of a picture, and the crop: over its pipe or in `memory`. */
async function decoded(words: string[], memory: number | null) {
  const file = fileURLToPath(new URL("dist/node-decoder.js", root));
  const { fork } = await vi.importActual<typeof import("node:child_process")>("node:child_process");
  const child = fork(file, words, { stdio: ["pipe", "pipe", "ignore", "ipc", ...(memory === null ? [] : [memory])] });
  try {
    return await new Promise<{ kind: number; body: Uint8Array }>((resolve) => {
      const answers = new Unframer(1000, ([kind], body) => kind !== 2 && resolve({ kind: kind!, body }));
      child.stdout!.on("data", (bytes: Buffer) => answers.push(bytes));
      child.stdin!.write(frame([request.length, 1, 0], request.length + photo.length));
      child.stdin!.write(Buffer.concat([request, photo]));
    });
  } finally {
    child.kill();
  }
}

test("the decoder's process leaves a crop in its file of memory, and sends it where it has none", async () => {
  const sent = await decoded([], null);
  expect(sent).toMatchObject({ kind: 3, body: { length: 12 } });
  expect(await decoded([WITH_MEMORY], null)).toEqual(sent);
  if (!hasMemory) return;
  const memory = openMemory()!;
  try {
    expect(await decoded([WITH_MEMORY], memory)).toMatchObject({ kind: 4, body: { length: 0 } });
    const left = new Uint8Array(12);
    expect(readMemory(memory, left)).toBe(true);
    expect(left).toEqual(sent.body);
  } finally {
    closeSync(memory);
  }
});

vi.mock("node:child_process", async (original) => ({
  ...(await original<typeof import("node:child_process")>()),
  fork: vi.fn(),
}));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  return { ...fs, existsSync: (path: string) => `${path}`.endsWith("node-decoder.js") || fs.existsSync(path) };
});

const steady = { ref() {}, unref() {} };

/** A process that says that its crop is in memory, where it leaves these bytes. `ways`: what is in Node's processes and not in every host's. */
function saysLeft(left: Uint8Array, ways: object = steady): EventEmitter & { kill(): void } {
  const [stdin, stdout] = [Object.assign(new PassThrough(), ways), Object.assign(new PassThrough(), steady)];
  const child = Object.assign(new EventEmitter(), steady, {
    channel: ways,
    stdin,
    stdout,
    kill: () => {
      for (const event of ["exit", "close"]) child.emit(event, null, "SIGKILL");
    },
  });
  vi.mocked(fork).mockImplementationOnce((_, words, options) => {
    expect(words).toEqual([WITH_MEMORY]);
    const memory = (options!.stdio as number[])[MEMORY]!;
    stdout!.write(frame([2, 0, 0], 0));
    stdin!.once("data", () => {
      writeSync(memory, left, 0, left.length, 0);
      stdout!.write(frame([4, 1000, 2000], 0));
    });
    return child as unknown as ReturnType<typeof fork>;
  });
  return child;
}

test.skipIf(noMemory)(`a crop is taken from there; a process that has left none is ended${noMemory}`, async () => {
  const memory = new CropMemory();
  const ask = () => cropApart({ path: photo, read: () => photo }, spec, "it", null, memory.take);
  saysLeft(Uint8Array.of(1));
  await expect(ask()).rejects.toThrow("the process that did so ended (SIGKILL)");
  const left = Uint8Array.from({ length: 12 }, (_, at) => at);
  const child = saysLeft(left);
  const crop = await ask();
  expect(crop).toEqual({ rgb: left, decodeMs: 1, cropMs: 2 });
  expect(memory.give(crop.rgb)).toBe(true);
  child.kill();
});

test.skipIf(noMemory)(
  `a process whose channel and way in cannot be let go, as Bun's, is used and let go${noMemory}`,
  async () => {
    const left = Uint8Array.from({ length: 12 }, (_, at) => at);
    const child = saysLeft(left, {});
    const unref = vi.fn();
    Object.assign(child, { unref });
    expect(await cropApart({ path: photo, read: () => photo }, spec, "it")).toMatchObject({ rgb: left });
    expect(unref).toHaveBeenCalled();
  },
);
