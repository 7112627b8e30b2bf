import { median } from "../base/median.js";
import type { Accelerator, AcceleratorName, Engine } from "../engine.js";
import type { Costs } from "./planner.js";

/** Rounds of calibration, and the time after which no further one begins. */
const ROUNDS = 5;
const BUDGET_MS = 300;

/** Medians in ms, on the CPU and on one accelerator. */
export interface Times {
  /** Of each stage alone, with its moves. */
  readonly cpu: readonly number[];
  readonly other: readonly number[];
  /** Of moves without work, for each stage. */
  readonly echoes: readonly number[];
  readonly whole: { readonly cpu: number; readonly other: number };
}

/**
 * Measures stages and transfers on the CPU and an accelerator, one step at a time; `exclusively` lets requests in between. A stage
 * alone on the accelerator costs its work, its transfers and one wait. Transfers are measured without work, on the smallest and the
 * largest activation, and subtracted. The whole network is measured too, because a stage alone finds cold caches and sleeping cores.
 */
export async function calibrate(
  cpu: Engine,
  other: Accelerator,
  exclusively: <T>(task: () => Promise<T>) => Promise<T>,
  now: () => number,
): Promise<Costs> {
  const { stages, values, input } = cpu.network;
  const image = values[input]!;
  const inputs: Float32Array[] = [new Float32Array(image.channels * image.height * image.width).fill(0.5)];
  const cpuTimes = stages.map(() => [] as number[]);
  const otherTimes = stages.map(() => [] as number[]);
  const echoTimes = stages.map(() => [] as number[]);
  const whole = { cpu: [] as number[], other: [] as number[] };
  const timed = async <T>(into: number[], task: () => Promise<T>): Promise<T> => {
    const start = now();
    const result = await task();
    into.push(now() - start);
    return result;
  };
  const begun = now();
  for (let round = 0; round < ROUNDS && (round < 2 || now() - begun < BUDGET_MS); round++) {
    for (const index of stages.keys()) {
      const from = inputs[index]!;
      const output = await exclusively(() => timed(cpuTimes[index]!, () => cpu.run(index, index, from)));
      inputs[index + 1] ??= output.slice();
    }
    await exclusively(() => timed(whole.cpu, () => cpu.run(0, stages.length - 1, inputs[0]!)));
    for (const index of stages.keys()) {
      const from = inputs[index]!;
      await exclusively(() => timed(otherTimes[index]!, () => other.run(index, index, from)));
      await exclusively(() => timed(echoTimes[index]!, () => other.echo(index, from)));
    }
    await exclusively(() => timed(whole.other, () => other.run(0, stages.length - 1, inputs[0]!)));
  }
  return costsOf(
    other.device,
    inputs.map((it) => it.byteLength),
    {
      cpu: cpuTimes.map(median),
      other: otherTimes.map(median),
      echoes: echoTimes.map(median),
      whole: { cpu: median(whole.cpu), other: median(whole.other) },
    },
  );
}

/** Separates waits, moves and work. `bytes`: of each stage's input, and of the last one's output. */
export function costsOf(device: AcceleratorName, bytes: readonly number[], times: Times): Costs {
  const { cpu, other, echoes, whole } = times;
  const smallest = bytes.indexOf(Math.min(...bytes.slice(0, -1)));
  const largest = bytes.indexOf(Math.max(...bytes.slice(0, -1)));
  const spread = 2 * (bytes[largest]! - bytes[smallest]!);
  const perByte = spread > 0 ? Math.max(0, (echoes[largest]! - echoes[smallest]!) / spread) : 0;
  const wait = Math.max(0, echoes[smallest]! - 2 * perByte * bytes[smallest]!);
  const stages = cpu.length;
  const up = bytes.slice(0, stages).map((count) => perByte * count);
  const down = bytes.slice(1).map((count) => perByte * count);
  const work = other.map((ms, index) => Math.max(0, ms - wait - up[index]! - down[index]!));
  const together = Math.max(0, whole.other - wait - up[0]! - down[stages - 1]!);
  return {
    stages: { cpu: scaledTo(whole.cpu, cpu), [device]: scaledTo(together, work) },
    moves: { [device]: { up, down, wait } },
  };
}

/** Stages in one run overlap, save barriers and find caches warm: their sum is brought to what they took together. */
function scaledTo(together: number, alone: readonly number[]): number[] {
  const sum = alone.reduce((total, ms) => total + ms, 0);
  return alone.map((ms) => (sum > 0 ? (ms * together) / sum : 0));
}
