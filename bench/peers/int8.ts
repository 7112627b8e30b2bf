import type { Network, ValueId, Vector, Weight } from "../../src/graph/network.js";
import { elementCount } from "../../src/graph/tensor.js";
import type { Range, Ranges } from "./calibrate.js";

/** real = scale * (q - zeroPoint), q in -128..127. Scales are f32 numbers, so that every file holds the same ones. */
export interface Affine {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** How each value is stored, by the rules of TensorFlow Lite: onnxruntime gets the same numbers, 128 higher and unsigned. */
export interface Int8Scheme {
  of(value: ValueId): Affine;
  /** What the convolution that gives `value` stores before its residual is added. */
  beforeSum(value: ValueId): Affine;
}

export interface Int8Weights {
  /** In the layout of the weight; -127..127. */
  readonly values: Int8Array;
  /** real = scales[o] * q. */
  readonly scales: Float32Array;
}

export function int8Scheme(network: Network, ranges: Ranges): Int8Scheme {
  const affines = new Map([...ranges.values].map(([value, range]) => [value, affine(range)]));
  // A max pool passes integers on.
  for (const op of network.stages.flatMap(({ ops }) => ops)) {
    if (op.kind === "maxPool") affines.set(op.output, affines.get(op.inputs[0])!);
  }
  const sums = new Map([...ranges.beforeSum].map(([value, range]) => [value, affine(range)]));
  return { of: (value) => affines.get(value)!, beforeSum: (value) => sums.get(value)! };
}

/** The range, widened to zero, on 256 steps; zero itself falls on one of them. */
function affine({ min, max }: Range): Affine {
  const [low, high] = [Math.min(min, 0), Math.max(max, 0)];
  const scale = Math.fround((high - low) / 255 || 1);
  return { scale, zeroPoint: Math.max(-128, Math.min(127, Math.round(-128 - low / scale))) };
}

/** Each output channel by its largest weight, to the nearest. */
export function int8Weights(weight: Weight): Int8Weights {
  const out = weight.shape[0]!;
  const row = elementCount(weight.shape.slice(1));
  const values = new Int8Array(out * row);
  const scales = new Float32Array(out);
  const real = new Float32Array(row);
  for (let o = 0; o < out; o++) {
    weight.read(o, o + 1, real);
    scales[o] = real.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127 || 1;
    for (let at = 0; at < row; at++) values[o * row + at] = Math.round(real[at]! / scales[o]!);
  }
  return { values, scales };
}

/** A bias in units of the sums that it is added to, and those units: one a channel. */
export function int32Bias(bias: Vector | null, input: Affine, { scales }: Int8Weights) {
  const units = scales.map((scale) => input.scale * scale);
  const values = new Int32Array(units.length);
  if (bias) for (const [o, real] of bias.read().entries()) values[o] = Math.round(real / units[o]!);
  return { values, units };
}
