import type { Engine } from "../engine.js";

/** A stage on an accelerator may differ from the CPU's by this share of the largest value; halves have 11 bits. */
const TOLERANCE = { f32: 1e-4, f16: 2e-2 };

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
  for (const seed of [1, 2]) {
    let activation: Float32Array = noise(channels * height * width, seed);
    for (const [index, { name }] of stages.entries()) {
      const from = activation;
      const expected = await exclusively(async () => (await cpu.run(index, index, from)).slice());
      const got = await other.run(index, index, from);
      const fault = compare(expected, got, TOLERANCE[precision]);
      if (fault) return `${name} on the ${other.device.toUpperCase()} ${fault}`;
      activation = expected;
    }
  }
  return null;
}

function compare(expected: Float32Array, got: Float32Array, tolerance: number): string | null {
  let largest = 0;
  let error = 0;
  let seen = 0;
  for (let at = 0; at < expected.length; at++) {
    largest = Math.max(largest, Math.abs(expected[at]!));
    const difference = Math.abs(got[at]! - expected[at]!);
    if (Number.isNaN(difference)) return "gives NaN where the CPU has a number";
    error = Math.max(error, difference);
    if (got[at] !== 0) seen++;
  }
  if (largest > 0 && seen === 0) return "gives nothing but zeros";
  if (error > tolerance * largest) {
    return `differs from the CPU by ${(error / largest).toExponential(1)} of the largest value (${tolerance} is allowed)`;
  }
  return null;
}

/** Like a normalised image: -2 to 2, by a linear congruential generator. */
function noise(length: number, seed: number): Float32Array {
  const result = new Float32Array(length);
  let state = seed;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    result[at] = state / 2 ** 30;
  }
  return result;
}
