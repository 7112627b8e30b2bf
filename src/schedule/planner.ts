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

export interface Choice {
  readonly range: GpuRange;
  /** Predicted ms of the whole network. */
  readonly ms: number;
  readonly cpuMs: number;
  readonly gpuMs: number;
}

/** A hybrid must beat the better single device by this much, or it is not worth its two ways to fail. */
const HYBRID_GAIN = 0.9;

/** Predicted ms of one assignment. */
export function predict(costs: Costs, range: GpuRange): number {
  const sum = (values: readonly number[], from: number, to: number) =>
    values.slice(from, to).reduce((total, value) => total + value, 0);
  const stages = costs.cpu.length;
  if (!range) return sum(costs.cpu, 0, stages);
  const { first, last } = range;
  return (
    sum(costs.cpu, 0, first) +
    costs.up[first]! +
    sum(costs.gpu, first, last + 1) +
    costs.down[last]! +
    costs.wait +
    sum(costs.cpu, last + 1, stages)
  );
}

/**
 * The fastest assignment with at most one crossing from the GPU to the CPU. Logits are read on the CPU, so that a stretch of
 * stages on the GPU ends in a crossing: there is at most one stretch, and n (n + 1) / 2 of them to look at.
 */
export function plan(costs: Costs): Choice {
  const stages = costs.cpu.length;
  const cpuMs = predict(costs, null);
  const whole = { first: 0, last: stages - 1 };
  const gpuMs = predict(costs, whole);
  const single = gpuMs < cpuMs ? { range: whole, ms: gpuMs } : { range: null, ms: cpuMs };
  let best: { range: GpuRange; ms: number } = single;
  for (let first = 0; first < stages; first++) {
    for (let last = first; last < stages; last++) {
      const ms = predict(costs, { first, last });
      if (ms < best.ms) best = { range: { first, last }, ms };
    }
  }
  if (best !== single && best.ms > HYBRID_GAIN * single.ms) best = single;
  return { ...best, cpuMs, gpuMs };
}
