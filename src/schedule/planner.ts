/** What stages and moves cost, in ms: measured medians, never operation counts. */
export interface Costs {
  /** Of each stage, on each device. */
  readonly cpu: readonly number[];
  readonly gpu: readonly number[];
  /** Moving the input of stage i to the GPU, and the output of stage i back. */
  readonly up: readonly number[];
  readonly down: readonly number[];
  /** Paid once for a run that uses the GPU: encoding, submitting, waiting for the map. */
  readonly wait: number;
}

/** Stages [first, last] run on the GPU, the rest on the CPU; null: all on the CPU. */
export type GpuRange = { readonly first: number; readonly last: number } | null;

/** Where images go while several are asked for at once, each on one device while its neighbour is on the other. */
export interface StreamChoice {
  readonly range: GpuRange;
  /** Predicted ms between two answers. */
  readonly ms: number;
}

export interface Choice {
  readonly range: GpuRange;
  /** Predicted ms of the whole network. */
  readonly ms: number;
  readonly cpuMs: number;
  readonly gpuMs: number;
}

/** A hybrid must beat the better single device by this much, or it is not worth its two ways to fail. */
const HYBRID_GAIN = 0.9;

/** Predicted ms that one inference keeps each device busy; moves and the wait are the GPU's. */
export function loads(costs: Costs, range: GpuRange): { readonly cpu: number; readonly gpu: number } {
  const sum = (values: readonly number[], from: number, to: number) =>
    values.slice(from, to).reduce((total, value) => total + value, 0);
  const stages = costs.cpu.length;
  if (!range) return { cpu: sum(costs.cpu, 0, stages), gpu: 0 };
  const { first, last } = range;
  return {
    cpu: sum(costs.cpu, 0, first) + sum(costs.cpu, last + 1, stages),
    gpu: costs.up[first]! + sum(costs.gpu, first, last + 1) + costs.down[last]! + costs.wait,
  };
}

/** Predicted ms of one assignment. */
export function predict(costs: Costs, range: GpuRange): number {
  const { cpu, gpu } = loads(costs, range);
  return cpu + gpu;
}

/**
 * The fastest assignment with at most one crossing from the GPU to the CPU. Logits are read on the CPU, so every run of stages on
 * the GPU ends in a crossing. Hence there is at most one such run, and n (n + 1) / 2 candidates.
 */
export function plan(costs: Costs): Choice {
  const stages = costs.cpu.length;
  const cpuMs = predict(costs, null);
  const whole = { first: 0, last: stages - 1 };
  const gpuMs = predict(costs, whole);
  const single = gpuMs < cpuMs ? { range: whole, ms: gpuMs } : { range: null, ms: cpuMs };
  const best = hybridWorth(costs, single, (range) => predict(costs, range));
  return { ...best, cpuMs, gpuMs };
}

/** Predicted ms between two answers while images are in flight on both devices: the busier one sets the pace. */
export function pace(costs: Costs, range: GpuRange, contention = 1): number {
  const { cpu, gpu } = loads(costs, range);
  return Math.max(cpu, gpu) * (isShared(costs, range) ? contention : 1);
}

/** Whether both devices have something to do. */
export function isShared({ cpu }: Costs, range: GpuRange): boolean {
  return range !== null && range.last - range.first + 1 < cpu.length;
}

/**
 * The assignment with the most images a second. `single` is the plan for one image at a time, kept where the gain is small.
 * `contention`: the factor by which devices that work at once slow each other down.
 */
export function planStream(costs: Costs, single: GpuRange, contention = 1): StreamChoice {
  const cost = (range: GpuRange) => pace(costs, range, contention);
  return hybridWorth(costs, { range: single, ms: cost(single) }, cost);
}

/** The best stretch of stages for the GPU by `cost`; `present` where none is better by enough. */
function hybridWorth(costs: Costs, present: StreamChoice, cost: (range: GpuRange) => number): StreamChoice {
  const stages = costs.cpu.length;
  let best = present;
  for (let first = 0; first < stages; first++) {
    for (let last = first; last < stages; last++) {
      const ms = cost({ first, last });
      if (ms < best.ms) best = { range: { first, last }, ms };
    }
  }
  return best.ms > HYBRID_GAIN * present.ms ? present : best;
}
