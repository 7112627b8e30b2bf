import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ModelFormatError, UnsupportedModelError } from "../../src/errors.js";
import { toFloat32 } from "../../src/weights/index.js";
import { readWeights } from "./read.js";

const folder = new URL("../fixtures/weights/", import.meta.url);
const types = new Uint8Array(readFileSync(new URL("types.safetensors", folder)));
const expected = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8")).types;

/** A file with the given header and `length` bytes of values. */
function file(header: unknown, length = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

test("every type, and the metadata", async () => {
  const state = await readWeights(types, "types");
  expect(state.format).toBe("safetensors");
  expect(state.metadata.get("format")).toBe("pt");
  for (const [name, tensor] of state.tensors) {
    expect(Buffer.from(toFloat32(tensor).buffer).toString("base64"), name).toBe(expected[name].f32);
    expect(tensor.bytes.buffer).toBe(types.buffer);
  }
  expect(state.tensors.size).toBe(10);
});

test("values that do not lie on four bytes", async () => {
  const shifted = new Uint8Array(types.length + 3).subarray(3);
  shifted.set(types);
  const { tensors } = await readWeights(shifted, "types");
  expect(Buffer.from(toFloat32(tensors.get("f32")!).buffer).toString("base64")).toBe(expected.f32.f32);
});

describe("refused with a typed error that says what to do", () => {
  const f32 = (shape: unknown, data_offsets: unknown) => ({ w: { dtype: "F32", shape, data_offsets } });
  const cases: [string, Uint8Array, RegExp][] = [
    ["an empty file", new Uint8Array(0), /empty/],
    ["one byte", Uint8Array.of(7), /unknown format/],
    ["an HTML page", new TextEncoder().encode("<!DOCTYPE html><html><body>Sign in</body></html>"), /HTML page/],
    ["a Git LFS pointer", new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid"), /git lfs pull/],
    ["a tensor of 2^60 elements", file(f32([2 ** 30, 2 ** 30], [0, 8]), 8), /takes|no proper shape/],
    ["a negative extent", file(f32([-1, -2], [0, 8]), 8), /no proper shape/],
    ["a fractional extent", file(f32([0.5], [0, 2]), 2), /no proper shape/],
    ["offsets beyond the file", file(f32([4], [0, 16]), 8), /bytes 0 to 16 of 8/],
    ["offsets backwards", file(f32([2], [8, 0]), 8), /bytes 8 to 0/],
    ["a hole", file({ ...f32([1], [4, 8]) }, 8), /starts at byte 4/],
    [
      "tensors that overlap",
      file({ ...f32([2], [0, 8]), v: { dtype: "F32", shape: [2], data_offsets: [4, 12] } }, 12),
      /starts at byte 4/,
    ],
    ["bytes behind the last tensor", file(f32([1], [0, 4]), 8), /4 bytes follow/],
    ["a type that is an object", file({ w: { dtype: {}, shape: [1], data_offsets: [0, 4] } }, 4), /no proper dtype/],
    ["a tensor twice", file('{"w":{},"w":{}}'), /has "w" twice/],
    ["a name of a megabyte", file({ ["w".repeat(1e6)]: 1 }), /more than 1000 characters/],
    ["a header of 20 MB", file(" ".repeat(20e6)), /20000000 bytes; at most/],
    [
      "empty objects by the megabyte",
      file(`{${Array.from({ length: 3e5 }, (_, i) => `"${i}":{}`)}}`),
      /values|tensors/,
    ],
    ["metadata 100,000 deep", file(`{"__metadata__":${"[".repeat(1e5)}`), /nested more than/],
    ["a header that is no JSON", file("{nonsense}"), /not JSON/],
    ["a tensor without a description", file({ w: 3 }), /no object/],
  ];
  test.each(cases)("%s", async (_, bytes, message) => {
    await expect(readWeights(bytes, "x.safetensors")).rejects.toThrow(ModelFormatError);
    await expect(readWeights(bytes, "x.safetensors")).rejects.toThrow(message);
  });

  test.each(["F8_E4M3", "F8_E5M2", "F4", "C64", "U16"])("weights of %s: what to convert them to", async (dtype) => {
    const refused = readWeights(file({ w: { dtype, shape: [1], data_offsets: [0, 4] } }, 4), "x");
    await expect(refused).rejects.toThrow(UnsupportedModelError);
    await expect(refused).rejects.toThrow(new RegExp(`${dtype}, .* Convert the weights to F32, F16 or BF16\\.$`));
  });

  test("a header length of 2^63", async () => {
    const bytes = file(f32([1], [0, 4]), 4);
    bytes[7] = 0x80;
    await expect(readWeights(bytes, "x")).rejects.toThrow(ModelFormatError);
  });

  test("cut off at every byte", async () => {
    for (let length = 0; length < types.length; length++) {
      await expect(readWeights(types.slice(0, length), "x"), `${length} bytes`).rejects.toThrow(ModelFormatError);
    }
  });
});
