import type { Engine } from "../engine.js";

/** A stage on an accelerator may differ from the CPU's by this share of the largest value; halves have 11 bits. */
const TOLERANCE = { f32: 1e-4, f16: 2e-2 };

/**
 * Beside integers an accelerator computes in float. Theirs are rounded in each layer, which makes 2 to 7 % of a stage of a ResNet-50 by
 * root mean squares, and hardly a value differs by half of the stage's: those are cut off where their range ends.
 */
const BESIDE_INTEGERS = { share: 0.15, far: 0.5, mostFar: 1e-3 };
/** Of the noise: few values of integers are cut off then. */
const WITHIN_RANGES = 1 / 4;

/**
 * Runs every stage on the CPU and the other device, on two different inputs, and compares. Returns why that cannot be believed, or null.
 * The input of a stage is what the CPU made of the stage before.
 */
export async function verify(
  cpu: Engine,
  other: Engine,
  precision: "f32" | "f16",
  exclusively: <T>(task: () => Promise<T>) => Promise<T>,
): Promise<string | null> {
  const { stages, values, input } = cpu.network;
  const { channels, height, width } = values[input]!;
  const integers = values.some(({ quantization }) => quantization);
  for (const seed of [1, 2]) {
    let activation: Float32Array = noise(channels * height * width, seed, integers ? WITHIN_RANGES : 1);
    for (const [index, { name }] of stages.entries()) {
      const from = activation;
      const expected = await exclusively(async () => (await cpu.run(index, index, from)).slice());
      const got = await other.run(index, index, from);
      const fault = integers ? compareRounded(expected, got) : compare(expected, got, TOLERANCE[precision]);
      if (fault) return `${name} on the ${other.device.toUpperCase()} ${fault}`;
      activation = expected;
    }
  }
  return null;
}

function compare(expected: Float32Array, got: Float32Array, tolerance: number): string | null {
  let largest = 0;
  let error = 0;
  for (let at = 0; at < expected.length; at++) {
    largest = Math.max(largest, Math.abs(expected[at]!));
    const difference = Math.abs(got[at]! - expected[at]!);
    if (Number.isNaN(difference)) return NO_NUMBER;
    error = Math.max(error, difference);
  }
  if (largest > 0 && isZero(got)) return NOTHING;
  return error > tolerance * largest ? differs(error / largest, "the largest value", tolerance) : null;
}

function compareRounded(expected: Float32Array, got: Float32Array): string | null {
  const { share, far, mostFar } = BESIDE_INTEGERS;
  const size = rootMeanSquare(expected);
  const errors = expected.map((value, at) => got[at]! - value);
  const error = rootMeanSquare(errors);
  if (Number.isNaN(error)) return NO_NUMBER;
  if (size > 0 && isZero(got)) return NOTHING;
  if (error > share * size) return differs(error / size, "the root mean square", share);
  const count = errors.reduce((count, it) => count + (Math.abs(it) > far * size ? 1 : 0), 0);
  if (count > mostFar * errors.length) return `is far from the CPU in ${count} of ${errors.length} values`;
  return null;
}

const NO_NUMBER = "gives NaN where the CPU has a number";
const NOTHING = "gives nothing but zeros";
const differs = (error: number, of: string, allowed: number) =>
  `differs from the CPU by ${error.toExponential(1)} of ${of} (${allowed} is allowed)`;
const isZero = (values: Float32Array) => values.every((value) => value === 0);
const rootMeanSquare = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

/** Like a normalised image, -2 to 2, times `scale`; by a linear congruential generator. */
function noise(length: number, seed: number, scale: number): Float32Array {
  const result = new Float32Array(length);
  let state = seed;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    result[at] = (scale * state) / 2 ** 30;
  }
  return result;
}
