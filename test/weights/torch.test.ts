import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ModelFormatError } from "../../src/errors.js";
import { toFloat32 } from "../../src/weights/index.js";
import { readWeights } from "./read.js";

const folder = new URL("../fixtures/weights/", import.meta.url);
const load = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const expected: Record<string, Record<string, { shape: number[]; f32: string }>> = JSON.parse(
  readFileSync(new URL("expected.json", folder), "utf8"),
);

describe.each(["zip", "legacy"])("PyTorch's %s form", (form) => {
  test.each(Object.keys(expected))("%s: the values that PyTorch sees", async (name) => {
    const state = await readWeights(load(`${name}.${form}.pth`), name);
    expect(state.format).toBe("torch");
    const wanted = expected[name]!;
    expect([...state.tensors.keys()].sort()).toEqual(Object.keys(wanted).sort());
    for (const [key, { shape, f32 }] of Object.entries(wanted)) {
      const tensor = state.tensors.get(key)!;
      expect(tensor.shape, key).toEqual(shape);
      const bytes = Buffer.from(f32, "base64");
      expect(Buffer.from(toFloat32(tensor).buffer).equals(bytes), key).toBe(true);
    }
  });

  test.each(["os-system", "eval"])("a pickle that calls %s is refused by name, and nothing runs", async (name) => {
    const before = readdirSync(".");
    await expect(readWeights(load(`hostile-${name}.${form}.pth`), "x.pth")).rejects.toThrow(ModelFormatError);
    await expect(readWeights(load(`hostile-${name}.${form}.pth`), "x.pth")).rejects.toThrow(
      /posix|os\.system|__builtin__\.eval/,
    );
    expect(readdirSync(".")).toEqual(before);
    expect(existsSync("resnet-edge-was-here")).toBe(false);
  });

  test("tensors are views of the file, not copies", async () => {
    const bytes = load(`plain.${form}.pth`);
    for (const tensor of (await readWeights(bytes, "x")).tensors.values())
      expect(tensor.bytes.buffer).toBe(bytes.buffer);
  });

  test("cut off at every byte: a typed error", async () => {
    const bytes = load(`plain.${form}.pth`);
    for (let length = 0; length < bytes.length; length++) {
      await expect(readWeights(bytes.slice(0, length), "x"), `${length} bytes`).rejects.toThrow(ModelFormatError);
    }
  });
});

test("a bare pickle that is no checkpoint is refused", async () => {
  // protocol 0: cos\nsystem\n(S'true'\ntR.
  const bytes = new TextEncoder().encode("cos\nsystem\n(S'true'\ntR.");
  await expect(readWeights(bytes, "x.pth")).rejects.toThrow(/os\.system/);
});

test("a pickle that doubles its memo cannot exhaust memory", async () => {
  // A list that is appended to itself, again and again: 2^40 leaves if anything were copied.
  const ops = [0x80, 2, 0x5d, 0x71, 0];
  for (let round = 0; round < 40; round++) ops.push(0x68, round, 0x68, round, 0x86, 0x71, round + 1);
  ops.push(0x2e);
  await expect(readWeights(Uint8Array.from(ops), "x.pth")).rejects.toThrow(ModelFormatError);
});

test("a key that doubles is never written out", async () => {
  // {key: {"w": array}}, where the key is a tuple of 2^60 empty lists.
  const text = (value: string) => [0x58, value.length, 0, 0, 0, ...new TextEncoder().encode(value)];
  const ops = [0x80, 2, 0x7d, 0x5d, 0x71, 0];
  for (let round = 0; round < 60; round++) ops.push(0x30, 0x68, round, 0x68, round, 0x86, 0x71, round + 1);
  const array = new TextEncoder().encode("cnumpy.core.multiarray\n_reconstruct\n)R");
  ops.push(0x7d, ...text("w"), ...array, 0x73, 0x73, 0x2e);
  const start = performance.now();
  await expect(readWeights(Uint8Array.from(ops), "x.pth")).rejects.toThrow(ModelFormatError);
  expect(performance.now() - start).toBeLessThan(1000);
});

test("a pickle nested 100,000 deep does not overflow the stack", async () => {
  const ops = new Uint8Array(200_010).fill(0x5d);
  ops.set([0x80, 2]);
  ops.fill(0x61, 100_002, 200_001);
  ops[200_001] = 0x2e;
  await expect(readWeights(ops, "x.pth")).rejects.toThrow(ModelFormatError);
});

test("a zip archive of something else says so", async () => {
  const bytes = load("plain.zip.pth");
  const name = new TextEncoder().encode("data.pkl");
  for (let at = 0; at + name.length <= bytes.length; at++) {
    if (name.every((byte, index) => bytes[at + index] === byte)) bytes[at] = 0x78;
  }
  await expect(readWeights(bytes, "x.zip")).rejects.toThrow(/zip archive without data\.pkl/);
});
