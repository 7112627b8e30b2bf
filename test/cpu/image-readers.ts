import type { Network, Op, ValueShape } from "../../src/graph/network.js";
import { conv, convOutput, vectorOf, weightOf } from "./one-operation.js";

const base = { name: "op", inputs: [0], output: 1 } as const;
const image: ValueShape = { height: 5, width: 6, channels: 3 };

/** Every kind of operation that takes an image of 5 x 6 pixels; each makes a map that is given out whole. */
export const imageReaders: readonly Op[] = [
  { ...base, kind: "relu" },
  { ...base, kind: "activation", function: "silu" },
  { ...base, kind: "batchNorm", scale: vectorOf(3), shift: vectorOf(3), relu: false },
  { ...base, kind: "add", inputs: [0, 0], relu: false },
  { ...base, kind: "maxPool", kernel: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0] },
  { ...base, kind: "averagePool", kernel: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0], countPadding: false },
  { ...base, kind: "globalAveragePool" },
  { ...base, kind: "globalMaxPool" },
  { ...base, kind: "blurPool", stride: 1 },
  { ...base, kind: "zeroPadShortcut", stride: 1, before: 1 },
  { ...base, kind: "l2Normalize", epsilon: 1e-12 },
  { ...base, kind: "softmax" },
  conv({ ...base, weight: weightOf([3, 3, 3, 3]), padding: [1, 1, 1, 1], inputs: [0, 0] }),
  conv({ ...base, weight: weightOf([6, 3, 1, 1]) }),
  conv({ ...base, weight: weightOf([5, 3, 3, 3]), padding: [2, 0, 1, 3] }),
  conv({ ...base, weight: weightOf([5, 3, 3, 3]), padding: [0, 4, 3, 1], dilation: [2, 2] }),
  conv({ ...base, weight: weightOf([8, 3, 7, 7]), padding: [2, 3, 3, 2], stride: [2, 2] }),
  conv({ ...base, weight: weightOf([8, 3, 7, 7]), padding: [0, 1, 5, 7], stride: [2, 2] }),
  { ...base, kind: "linear", weight: weightOf([7, 3]), bias: null, relu: false },
];

/** One operation that reads the image, and is all that there is. */
export function readerNetwork(op: Op): Network {
  const one = { height: 1, width: 1, channels: 3 };
  const vector = op.kind === "linear" || op.kind === "softmax" || op.kind === "l2Normalize";
  return {
    architecture: { name: "one operation" } as Network["architecture"],
    values: [vector ? one : image, outputOf(op)],
    stages: [{ name: "all", input: 0, output: 1, ops: [op] }],
    input: 0,
    output: 1,
    parameters: 0,
    batchNorms: { folded: 0, kept: 0 },
  };
}

function outputOf(op: Op): ValueShape {
  switch (op.kind) {
    case "maxPool":
    case "averagePool":
      return { ...image, height: 4, width: 5 };
    case "globalAveragePool":
    case "globalMaxPool":
    case "softmax":
    case "l2Normalize":
      return { height: 1, width: 1, channels: 3 };
    case "zeroPadShortcut":
      return { ...image, channels: 5 };
    case "conv":
      return convOutput(op, image);
    case "linear":
      return { height: 1, width: 1, channels: 7 };
    default:
      return image;
  }
}

/** CHW as the last stage gives it out: H x W x C without padding. */
export function dense(chw: ArrayLike<number>, { height, width, channels }: ValueShape): Float32Array {
  const pixels = height * width;
  return Float32Array.from(
    { length: chw.length },
    (_, at) => chw[(at % channels) * pixels + Math.floor(at / channels)]!,
  );
}
