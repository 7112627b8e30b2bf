import { expect, test } from "vitest";
import { compile } from "../../src/gpu/program.js";
import { hardwareTiling } from "../../src/gpu/tiles.js";
import type { Op } from "../../src/graph/network.js";
import { conv, networkOf, weightOf } from "../cpu/one-operation.js";

// What the GPU has no kernel for is refused before a device is asked for anything.

const shape = { height: 4, width: 4, channels: 4 };
const image = { ...shape, channels: 3 };
const refusal = (text: string) =>
  expect.objectContaining({ name: "UnsupportedModelError", message: expect.stringContaining(text) });
const options = { storage: "f32", tiling: hardwareTiling } as const;

test("an operation that it does not know", () => {
  const op = { kind: "fourier", name: "op", inputs: [1], output: 2 } as unknown as Op;
  expect(() => compile(networkOf(op, [image, shape, shape]), options)).toThrow(refusal('"fourier"'));
});

test("a value of integers, which would not be rounded", () => {
  const op = conv({ weight: weightOf([4, 4, 1, 1]), relu: true });
  const rounded = { ...shape, quantization: { type: "u7", scale: 0.5 } as const };
  expect(() => compile(networkOf(op, [image, shape, rounded]), options)).toThrow(refusal("integers"));
  expect(compile(networkOf(op, [image, shape, shape]), options).stages).toHaveLength(3);
});
