import { chooseConvKernel } from "../../src/cpu/choose/choose.js";
import type { ChoiceOptions } from "../../src/cpu/program/program.js";
import type { ConvOp, Network, Op, Padding, ValueShape, Vector, Weight } from "../../src/graph/network.js";
import { elementCount } from "../../src/graph/tensor.js";
import { generator } from "../random.js";

const random = generator(7);
export const values = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);

export function vectorOf(length: number): Vector {
  const all = Float64Array.from(values(length));
  return { length, read: () => all };
}

export function weightOf(shape: readonly number[]): Weight {
  const all = values(elementCount(shape));
  const row = elementCount(shape.slice(1));
  return { shape, read: (begin, end, target) => target.set(all.subarray(begin * row, end * row)) };
}

/**
 * One operation as a network: a stage that brings the image in, one that does the work on NHWC activations, and one after it, since
 * the last stage's output has lost its padding.
 */
export function networkOf(op: Op, shapes: readonly ValueShape[]): Network {
  const identity: ConvOp = {
    kind: "conv",
    name: "bring in",
    inputs: [0],
    output: 1,
    kernel: [1, 1],
    stride: [1, 1],
    padding: [0, 0, 0, 0],
    dilation: [1, 1],
    groups: 1,
    weight: weightOf([shapes[1]!.channels, shapes[0]!.channels, 1, 1]),
    bias: null,
    relu: false,
  };
  return {
    architecture: { name: "one operation" } as Network["architecture"],
    values: [...shapes, shapes[op.output]!],
    stages: [
      { name: "in", input: 0, output: 1, ops: [identity] },
      { name: "op", input: 1, output: op.output, ops: [op] },
      {
        name: "out",
        input: op.output,
        output: shapes.length,
        ops: [{ kind: "relu", name: "bring out", inputs: [op.output], output: shapes.length }],
      },
    ],
    input: 0,
    output: shapes.length,
    parameters: 0,
    batchNorms: { folded: 0, kept: 0 },
  };
}

export const conv = (fields: Partial<ConvOp> & { weight: Weight }): ConvOp => ({
  kind: "conv",
  name: "conv",
  inputs: [1],
  output: 2,
  kernel: [fields.weight.shape[2]!, fields.weight.shape[3]!],
  stride: [1, 1],
  padding: [0, 0, 0, 0],
  dilation: [1, 1],
  groups: 1,
  bias: vectorOf(fields.weight.shape[0]!),
  relu: false,
  ...fields,
});

/** Padding that differs from side to side: top, left, bottom, right. */
export const uneven: readonly Padding[] = [
  [0, 0, 1, 1],
  [1, 1, 0, 0],
  [2, 0, 0, 1],
  [0, 3, 2, 0],
  [1, 2, 4, 3],
];

export function convOutput(op: ConvOp, input: ValueShape): ValueShape {
  const side = (length: number, axis: 0 | 1) =>
    Math.floor(
      (length + op.padding[axis] + op.padding[axis + 2]! - op.dilation[axis] * (op.kernel[axis] - 1) - 1) /
        op.stride[axis],
    ) + 1;
  return { height: side(input.height, 0), width: side(input.width, 1), channels: op.weight.shape[0]! };
}

/** The name of the kernel that the table has for a convolution which does not read the image. */
export function chosenKernel(op: ConvOp, input: ValueShape, output: ValueShape, options: ChoiceOptions): string {
  return chooseConvKernel(op, { input: 0, values: [input, input, output] } as unknown as Network, options).name;
}
