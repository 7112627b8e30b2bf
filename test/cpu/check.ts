import { expect } from "vitest";
import type { CompileOptions } from "../../src/cpu/program/program.js";
import type { TileName } from "../../src/cpu/program/tiles.js";
import type { Network, Op, ValueShape } from "../../src/graph/network.js";
import { paddedChannels } from "../../src/graph/tensor.js";
import { runOp } from "../model/reference.js";
import { engineFor } from "./engine.js";
import { runGuarded } from "./guarded.js";
import { networkOf, values } from "./one-operation.js";

export interface CheckOptions {
  readonly simd?: "baseline" | "relaxed";
  readonly convolution?: CompileOptions["convolution"];
  readonly tile?: TileName;
}

export function toNhwc(chw: ArrayLike<number>, { height, width, channels }: ValueShape): Float32Array {
  const step = paddedChannels(channels);
  const result = new Float32Array(height * width * step);
  for (let c = 0; c < channels; c++) {
    for (let at = 0; at < height * width; at++) result[at * step + c] = chw[c * height * width + at]!;
  }
  return result;
}

/** What one operation makes of `x`, CHW, on the CPU: NHWC with padded channels, and NaN where it wrote nothing. */
export async function runOne(
  op: Op,
  [input, output]: readonly [ValueShape, ValueShape],
  x: ArrayLike<number>,
  options: CheckOptions,
): Promise<Float32Array> {
  return runIn(networkOf(op, [{ ...input, channels: 3 }, input, output]), [input, output], x, options);
}

async function runIn(
  network: Network,
  [input, output]: readonly [ValueShape, ValueShape],
  x: ArrayLike<number>,
  options: CheckOptions,
): Promise<Float32Array> {
  for (const threads of [1, 3]) await runGuarded(network, 1, toNhwc(x, input), { ...options, threads });
  const engine = await engineFor(network, options);
  const first = await engine.run(1, 1, toNhwc(x, input));
  // The padding lanes count too, and a value that is left unwritten must show.
  const length = output.height * output.width * paddedChannels(output.channels);
  const whole = new Float32Array(first.buffer, first.byteOffset, length);
  whole.fill(Number.NaN);
  await engine.run(1, 1, toNhwc(x, input));
  const result = whole.slice();
  await engine.close();
  return result;
}

/** One operation against plain loops in f64: an error of `tolerance` of the largest value at most. */
export async function check(
  op: Op,
  input: ValueShape,
  output: ValueShape,
  simd: "baseline" | "relaxed",
  options: CheckOptions = {},
  tolerance = 2e-6,
): Promise<void> {
  const network = networkOf(op, [{ ...input, channels: 3 }, input, output]);
  const x = values(input.channels * input.height * input.width);
  const expected = toNhwc(
    runOp(
      op,
      () => Float64Array.from(x),
      (id) => network.values[id]!,
    ),
    output,
  );
  const actual = await runIn(network, [input, output], x, { simd, ...options });
  let largest = 1e-30;
  let error = 0;
  for (let at = 0; at < expected.length; at++) {
    largest = Math.max(largest, Math.abs(expected[at]!));
    // Of two infinities alike, the difference is no number.
    const difference = actual[at] === expected[at] ? 0 : Math.abs(actual[at]! - expected[at]!);
    error = Math.max(error, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  expect(error / largest).toBeLessThan(tolerance);
}
