import type { Engine } from "../engine.js";

/** How far a stage on an accelerator may be from the CPU's: as a share of the largest value, or by root mean squares. */
interface Tolerance {
  readonly by: "largest value" | "root mean square";
  readonly share: number;
}

/** Halves have 11 bits. */
const TOLERANCE = { f32: { by: "largest value", share: 1e-4 }, f16: { by: "largest value", share: 2e-2 } } as const;
/**
 * Beside integers an accelerator computes in float. Theirs are rounded in each layer, 2 to 5 % in a stage of a ResNet-18, and single
 * values, which noise makes larger than any photograph does, are cut off where their range ends.
 */
const BESIDE_INTEGERS: Tolerance = { by: "root mean square", share: 0.15 };

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
  const tolerance = values.some(({ quantization }) => quantization) ? BESIDE_INTEGERS : TOLERANCE[precision];
  for (const seed of [1, 2]) {
    let activation: Float32Array = noise(channels * height * width, seed);
    for (const [index, { name }] of stages.entries()) {
      const from = activation;
      const expected = await exclusively(async () => (await cpu.run(index, index, from)).slice());
      const got = await other.run(index, index, from);
      const fault = compare(expected, got, tolerance);
      if (fault) return `${name} on the ${other.device.toUpperCase()} ${fault}`;
      activation = expected;
    }
  }
  return null;
}

function compare(expected: Float32Array, got: Float32Array, { by, share }: Tolerance): string | null {
  const most = { size: 0, error: 0 };
  const squares = { size: 0, error: 0 };
  let seen = 0;
  for (let at = 0; at < expected.length; at++) {
    const size = Math.abs(expected[at]!);
    const error = Math.abs(got[at]! - expected[at]!);
    if (Number.isNaN(error)) return "gives NaN where the CPU has a number";
    most.size = Math.max(most.size, size);
    most.error = Math.max(most.error, error);
    squares.size += size * size;
    squares.error += error * error;
    if (got[at] !== 0) seen++;
  }
  if (most.size > 0 && seen === 0) return "gives nothing but zeros";
  const [error, size] =
    by === "largest value" ? [most.error, most.size] : [Math.sqrt(squares.error), Math.sqrt(squares.size)];
  if (error > share * size) {
    return `differs from the CPU by ${(error / size).toExponential(1)} of the ${by} (${share} is allowed)`;
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
