import type { ConvOp, LinearOp, Vector, Weight } from "../graph/network.js";
import { elementCount } from "../graph/tensor.js";
import { feedbackOf } from "./feedback.js";

/** Integers of a layer's weights, and how far they are from them. */
export interface IntegerWeights {
  /** [O, ...] as the weights'. */
  readonly integers: Int8Array;
  /** [O] */
  readonly scales: Float32Array;
  /** Mean square of what the weights give on the calibration's inputs, and of the error: channels taken as independent. */
  readonly signal: number;
  readonly noise: number;
  /** Output channels whose scale is less than their largest weight's. */
  readonly clipped: number;
}

/** Shares of the largest weight that are tried as a channel's clip. */
const SHARES = Array.from({ length: 24 }, (_, trial) => 1 - trial / 48);

/**
 * Rounds weights to -127..127 with a scale for each output channel. Of several clips each channel takes the one whose error is least
 * in its output: a weight's error counts as its input channel's mean square, [I], on the calibration pictures. `between`: of an input
 * channel, the mean products of what the kernel's taps read of it, [T, T]; neighbours are alike, so that one tap's error is made up
 * for by the others.
 */
export function quantizeWeights(
  { weight }: ConvOp | LinearOp,
  meanSquares: Float64Array,
  groups = 1,
  between: ((channel: number) => Float64Array) | null = null,
): IntegerWeights {
  const { shape } = weight;
  const outputs = shape[0]!;
  const row = elementCount(shape.slice(1));
  const taps = row / shape[1]!;
  const integers = new Int8Array(outputs * row);
  const scales = new Float32Array(outputs);
  const values = new Float32Array(row);
  const products = Array.from(meanSquares, (square, channel) => between?.(channel) ?? independent(square, taps));
  const feedbacks = between && products.map(feedbackOf);
  let [signal, noise, clipped] = [0, 0, 0];
  for (let output = 0; output < outputs; output++) {
    weight.read(output, output + 1, values);
    const first = Math.floor((output * groups) / outputs) * shape[1]!;
    let most = 0;
    for (let at = 0; at < row; at++) most = Math.max(most, Math.abs(values[at]!));
    if (most === 0) {
      scales[output] = 1;
      continue;
    }
    let [best, least] = [1, Number.POSITIVE_INFINITY];
    for (const share of SHARES) {
      const scale = Math.fround((share * most) / 127);
      let error = 0;
      for (let at = 0; at < row; at++) {
        const difference = values[at]! - clampRound(values[at]! / scale) * scale;
        error += difference * difference * meanSquares[first + Math.floor(at / taps)]!;
      }
      if (error < least) [best, least] = [share, error];
    }
    if (best < 1) clipped++;
    const scale = Math.fround((best * most) / 127);
    scales[output] = scale;
    for (let at = 0; at < row; at += taps) {
      const own = values.subarray(at, at + taps);
      const found = integers.subarray(output * row + at, output * row + at + taps);
      roundTaps(own, scale, feedbacks?.[first + at / taps] ?? null, found);
      const product = products[first + at / taps]!;
      signal += squareOf(own, product);
      noise += squareOf(
        own.map((value, tap) => value - found[tap]! * scale),
        product,
      );
    }
  }
  return { integers, scales, signal, noise, clipped };
}

const clampRound = (quotient: number) => Math.max(-127, Math.min(127, Math.round(quotient)));

/** Rounds a kernel's taps on one channel, one after the other; those behind make up for the error as `feedbackOf` says. */
function roundTaps(values: Float32Array, scale: number, feedback: Float64Array | null, integers: Int8Array): void {
  const taps = values.length;
  const rest = Float64Array.from(values, (value) => value / scale);
  for (let tap = 0; tap < taps; tap++) {
    const integer = clampRound(rest[tap]!);
    integers[tap] = integer;
    if (!feedback) continue;
    const error = (rest[tap]! - integer) / feedback[tap * (taps + 1)]!;
    for (let next = tap + 1; next < taps; next++) rest[next] = rest[next]! - error * feedback[tap * taps + next]!;
  }
}

/** Mean products of taps of which nothing is known but their mean square. */
function independent(square: number, taps: number): Float64Array {
  const products = new Float64Array(taps * taps);
  for (let tap = 0; tap < taps; tap++) products[tap * (taps + 1)] = square;
  return products;
}

/** The mean square of what weights give: w' P w. */
function squareOf(weights: Float32Array, products: Float64Array): number {
  const taps = weights.length;
  let sum = 0;
  for (let row = 0; row < taps; row++)
    for (let column = 0; column < taps; column++)
      sum += weights[row]! * weights[column]! * products[row * taps + column]!;
  return sum;
}

/** Integers as the weight of a network: `read` gives what they stand for. */
export function integerWeight(
  shape: readonly number[],
  { integers, scales }: Pick<IntegerWeights, "integers" | "scales">,
): Weight {
  const row = elementCount(shape.slice(1));
  return {
    shape,
    read(begin, end, target) {
      for (let output = begin, at = 0; output < end; output++) {
        for (const stop = at + row, from = output * row - at; at < stop; at++) {
          target[at] = scales[output]! * integers[from + at]!;
        }
      }
    },
    int8: {
      scales: vectorOf(scales),
      read: (begin, end, target) => target.set(integers.subarray(begin * row, end * row)),
    },
  };
}

export function vectorOf(values: ArrayLike<number>): Vector {
  const kept = Float64Array.from(values);
  return { length: kept.length, read: () => kept };
}
