import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ModelFormatError } from "../../src/errors.js";
import { contiguousStrides, type Tensor } from "../../src/graph/tensor.js";
import { buildNetwork } from "../../src/model/index.js";
import { dequantized } from "../../src/weights/dequantized.js";
import { engineFor } from "../cpu/engine.js";
import { readWeights } from "./read.js";

const file = (name: string) => readFileSync(new URL(`../fixtures/weights/quantized/${name}`, import.meta.url));

test("a quantised ResNet of PyTorch answers as its weights in float do, and says that values are not rounded", async () => {
  const state = await readWeights(file("quantized.pth"), "quantized.pth");
  expect(state.notes?.join()).toMatch(/is of integers: its weights were read as the numbers that they stand for/);
  expect([...state.tensors.keys()].filter((name) => /scale|zero_point|packed/.test(name))).toEqual([]);
  const network = buildNetwork(state, { inputSize: 32 });
  const engine = await engineFor(network);
  const { input, logits } = JSON.parse(file("quantized.json").toString()) as { input: number[]; logits: number[] };
  const found = await engine.run(0, network.stages.length - 1, Float32Array.from(input));
  const largest = Math.max(...logits.map(Math.abs));
  expect(found).toHaveLength(logits.length);
  for (const [at, logit] of logits.entries()) expect(Math.abs(found[at]! - logit) / largest).toBeLessThan(1e-5);
  await engine.close();
});

const tensor = (values: number[], shape: number[]): Tensor => ({
  ...{ name: "it", dtype: "i8", shape, strides: contiguousStrides(shape), bytes: Uint8Array.from(values) },
});
const floats = (values: number[]): Tensor => ({
  ...{ name: "scale", dtype: "f32", shape: [values.length], strides: [1] },
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});

test("each row by its scale and zero point; those that do not fit are none", () => {
  const integers = tensor([1, 2, 3, 255], [2, 2]);
  const made = dequantized(integers, floats([0.5, 2]), floats([1, -1]))!;
  expect([...new Float32Array(made.bytes.slice().buffer)]).toEqual([0, 0.5, 8, 0]);
  expect(dequantized(integers, 0.25, 0)!.shape).toEqual([2, 2]);
  for (const [scale, zeroPoint] of [
    [floats([0.5]), 0],
    [floats([0.5, 0]), 0],
    [floats([0.5, Number.NaN]), 0],
    [Number.POSITIVE_INFINITY, 0],
    [-1, 0],
    [1, 0.5],
    [1, floats([0, 0, 0])],
  ] as const) {
    expect(dequantized(integers, scale, zeroPoint)).toBeNull();
  }
  expect(dequantized(tensor([1], []), 1, 0)).toBeNull();
  // As many rows as there could be, without a value.
  expect(dequantized(tensor([], [2 ** 33, 0]), 0.1, 0)!.bytes).toHaveLength(0);
});

test("a file whose scales were changed is refused by the tensor's name", async () => {
  const bytes = Buffer.from(file("quantized.pth"));
  // The scale of layer1.0.conv2, a double in the pickle behind the scheme's name.
  const scheme = bytes.indexOf("per_tensor_affine");
  const at = bytes.indexOf(0x47, scheme);
  bytes.writeDoubleBE(-1, at + 1);
  const read = readWeights(bytes, "x");
  await expect(read).rejects.toThrow(ModelFormatError);
  await expect(read).rejects.toThrow(/"layer1\.0\.conv2\.weight" of integers .* has no proper scale/);
});
