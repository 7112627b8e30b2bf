import { expect, test } from "vitest";
import type { ConvOp } from "../../src/graph/network.js";
import { Correlations } from "../../src/quantize/correlations.js";
import { feedbackOf } from "../../src/quantize/feedback.js";
import { quantizeWeights } from "../../src/quantize/weights.js";

const [height, width, channels, step] = [9, 7, 3, 4];

/** Smooth planes, as behind a ReLU, and one of noise: H x W x C, padded to four. */
const values = Float32Array.from({ length: height * width * step }, (_, at) => {
  const [pixel, channel] = [Math.floor(at / step), at % step];
  const [row, column] = [Math.floor(pixel / width), pixel % width];
  if (channel === 0) return 2 + Math.sin(row / 3) + Math.cos(column / 4);
  if (channel === 1) return Math.max(0, Math.sin(row / 2 + column / 3));
  return channel === 2 ? Math.abs(Math.sin(at * at)) : 1e9;
});
const shape = { height, width, channels };
const at = (row: number, column: number, channel: number) =>
  row >= 0 && row < height && column >= 0 && column < width ? values[(row * width + column) * step + channel]! : 0;

const correlations = new Correlations(channels, 2);
correlations.add(values, shape, step, 2);
correlations.add(values, shape, step, 2);

/** By plain loops over all pixels, with zeros around. */
function meanProduct(channel: number, rows: number, columns: number): number {
  let sum = 0;
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      sum += at(row, column, channel) * at(row - rows, column - columns, channel);
  return sum / (height * width);
}

test.each([
  [3, 3],
  [1, 3],
  [3, 2],
] as const)("what two taps of a %i x %i kernel read together is their pixels' mean product", (tall, wide) => {
  for (let channel = 0; channel < channels; channel++) {
    const found = correlations.between(channel, [tall, wide]);
    const taps = tall * wide;
    for (let one = 0; one < taps; one++)
      for (let other = 0; other < taps; other++) {
        const rows = Math.floor(one / wide) - Math.floor(other / wide);
        const columns = (one % wide) - (other % wide);
        expect(found[one * taps + other]).toBeCloseTo(meanProduct(channel, rows, columns), 5);
      }
  }
});

test("taps that read nothing alike are not made up for, and neither is a channel of zeros", () => {
  const diagonal = Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4);
  const feedback = feedbackOf(diagonal)!;
  for (const index of [1, 2, 5]) expect(feedback[index]).toBeCloseTo(0, 12);
  expect(feedbackOf(new Float64Array(9))).toBeNull();
});

test("rounding that knows its neighbours brings a convolution's output nearer to float's", () => {
  const outputs = 16;
  const weights = Float32Array.from({ length: outputs * channels * 9 }, (_, index) => Math.sin(index * index + 1));
  const layer = {
    weight: {
      shape: [outputs, channels, 3, 3],
      read: (begin: number, end: number, target: Float32Array | Float64Array) =>
        target.set(weights.subarray(begin * channels * 9, end * channels * 9)),
    },
  } as unknown as ConvOp;
  const meanSquares = Float64Array.from({ length: channels }, (_, channel) => meanProduct(channel, 0, 0));
  const error = (integers: Int8Array, scales: Float32Array) => {
    let sum = 0;
    for (let output = 0; output < outputs; output++)
      for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++) {
          let difference = 0;
          for (let tap = 0; tap < channels * 9; tap++) {
            const [channel, y, x] = [Math.floor(tap / 9), Math.floor((tap % 9) / 3), tap % 3];
            const index = output * channels * 9 + tap;
            difference +=
              (integers[index]! * scales[output]! - weights[index]!) * at(row + y - 1, column + x - 1, channel);
          }
          sum += difference ** 2;
        }
    return sum;
  };
  const nearest = quantizeWeights(layer, meanSquares);
  const known = quantizeWeights(layer, meanSquares, 1, (channel) => correlations.between(channel, [3, 3]));
  const [before, after] = [nearest, known].map(({ integers, scales }) => error(integers, scales)) as [number, number];
  expect(after).toBeLessThan(0.5 * before);
  expect(known.scales).toEqual(nearest.scales);
});
