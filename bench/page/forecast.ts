import type { DeviceDescription, Settings } from "./report.js";
import type { Step } from "./steps.js";

/** Seconds that one configuration may measure for. */
export const BUDGET_MS = 5000;
/** Found on a few devices: good enough for a progress bar, corrected as soon as something was measured. */
const PACKED_BYTES_PER_MS = 120_000;
const BASELINE_COST = 1.4;
const GPU_GFLOPS = 400;
const SOFTWARE_GPU_GFLOPS = 0.4;
const GPU_COMPILE_MS = 1500;
const GPU_WAIT_MS = 2;
const WARM_UP_MS = 500;
const TURN_WARM_MS = 170;
const TURN_MS = 80;
/** A round runs the network whole and stage by stage; a GPU's moves each stage's input once more. */
const PASSES = 2;
const LEAST_ROUNDS = 3;
const STAGES = 6;

export interface Size {
  readonly macs: number;
  readonly parameters: number;
}

/** How long a step will take, as far as the roof of this device's core tells. */
export function predict(step: Step, { macs, parameters }: Size, device: DeviceDescription, { runs }: Settings): number {
  const work = workOf(step, macs, device);
  if (step.device === "gpu") {
    const round = PASSES * work + 2 * STAGES * GPU_WAIT_MS;
    return GPU_COMPILE_MS + 2 * work + Math.max(WARM_UP_MS, work) + measuring(round, runs);
  }
  const profiled = step.threads === 1 ? Math.min(BUDGET_MS / 4, runs * work) : 0;
  return (
    (4 * parameters) / PACKED_BYTES_PER_MS + Math.max(WARM_UP_MS, work) + measuring(PASSES * work, runs) + profiled
  );
}

/** A turn: an engine of its own, warmed up, and its samples. */
export function predictTurn(step: Step, { macs, parameters }: Size, device: DeviceDescription): number {
  const work = workOf(step, macs, device);
  const opening = step.device === "gpu" ? GPU_COMPILE_MS : (4 * parameters) / PACKED_BYTES_PER_MS;
  return opening + Math.max(TURN_WARM_MS, 3 * work) + Math.max(TURN_MS, 3 * work);
}

/** One inference. */
function workOf(step: Step, macs: number, device: DeviceDescription): number {
  const gflop = (2 * macs) / 1e9;
  if (step.device === "gpu") return (1e3 * gflop) / (device.gpu.software ? SOFTWARE_GPU_GFLOPS : GPU_GFLOPS);
  const cost = step.simd === "baseline" && device.relaxedSimd ? BASELINE_COST : 1;
  return ((1e3 * gflop) / device.roofGflops / (1 + 0.8 * (step.threads - 1))) * cost;
}

function measuring(round: number, runs: number): number {
  return Math.max(LEAST_ROUNDS * round, Math.min(runs * round, BUDGET_MS));
}

/** Where a run stands, by predicted times that are scaled by how far off those of its own device were. */
export class Forecast {
  private step = 0;
  private spent = { cpu: 0, gpu: 0 };
  private predicted = { cpu: 0, gpu: 0 };
  private since = performance.now();

  constructor(private readonly steps: readonly { readonly device: "cpu" | "gpu"; readonly ms: number }[]) {}

  get totalMs(): number {
    return this.steps.reduce((sum, { ms }) => sum + ms, 0);
  }

  finish(): void {
    const { device, ms } = this.steps[this.step++]!;
    this.spent[device] += performance.now() - this.since;
    this.predicted[device] += ms;
    this.since = performance.now();
  }

  /** `share`: of the present step. */
  at(share: number): { share: number; remainingMs: number } {
    const expected = this.steps.map(({ device, ms }) => ms * this.scale(device));
    const sum = (values: readonly number[]) => values.reduce((total, ms) => total + ms, 0);
    const remainingMs = sum(expected.slice(this.step)) - share * (expected[this.step] ?? 0);
    return { share: 1 - remainingMs / sum(expected), remainingMs };
  }

  private scale(device: "cpu" | "gpu"): number {
    return this.predicted[device] ? this.spent[device] / this.predicted[device] : 1;
  }
}
