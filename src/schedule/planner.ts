import type { AcceleratorName } from "../engine.js";

/** Something of the CPU, and of each accelerator that is in use. */
export type ByDevice<T> = { readonly cpu: T } & { readonly [Name in AcceleratorName]?: T };

/** What stages and moves cost, in ms: measured medians, never operation counts. */
export interface Costs {
  /** Of each stage, on each device. */
  readonly stages: ByDevice<readonly number[]>;
  readonly moves: { readonly [Name in AcceleratorName]?: Moves };
}

/** What one accelerator costs beyond its stages. */
export interface Moves {
  /** Moving the input of stage i to it, and the output of stage i back. */
  readonly up: readonly number[];
  readonly down: readonly number[];
  /** Paid once for a run that uses it: encoding, submitting, waiting for the map. */
  readonly wait: number;
}

/** The costs without an accelerator's; null where no other is left. */
export function without({ stages, moves }: Costs, device: AcceleratorName): Costs | null {
  const { [device]: _, ...otherStages } = stages;
  const { [device]: __, ...otherMoves } = moves;
  return Object.keys(otherMoves).length > 0 ? { stages: otherStages, moves: otherMoves } : null;
}

/** Stages [first, last] run on that device, the rest on the CPU; null: all on the CPU. */
export type Stretch = { readonly device: AcceleratorName; readonly first: number; readonly last: number } | null;

export function isSame(one: Stretch, other: Stretch): boolean {
  return one?.device === other?.device && one?.first === other?.first && one?.last === other?.last;
}

/** Where images go while several are asked for at once, each on one device while its neighbour is on the other. */
export interface StreamChoice {
  readonly stretch: Stretch;
  /** Predicted ms between two answers. */
  readonly ms: number;
}

export interface Choice {
  readonly stretch: Stretch;
  /** Predicted ms of the whole network. */
  readonly ms: number;
  /** Predicted ms of the whole network on each device alone. */
  readonly alone: ByDevice<number>;
}

/** A hybrid must beat the better single device by this much, or it is not worth its two ways to fail. */
const HYBRID_GAIN = 0.9;

const sum = (values: readonly number[], from = 0, to = values.length) =>
  values.slice(from, to).reduce((total, value) => total + value, 0);

/** Accelerators whose costs are known. */
function acceleratorsOf({ moves }: Costs): AcceleratorName[] {
  return Object.keys(moves) as AcceleratorName[];
}

/** Predicted ms that one inference keeps each device busy; moves and the wait are the accelerator's. */
export function loads({ stages, moves }: Costs, stretch: Stretch): ByDevice<number> {
  if (!stretch) return { cpu: sum(stages.cpu) };
  const { device, first, last } = stretch;
  const { up, down, wait } = moves[device]!;
  return {
    cpu: sum(stages.cpu, 0, first) + sum(stages.cpu, last + 1),
    [device]: up[first]! + sum(stages[device]!, first, last + 1) + down[last]! + wait,
  };
}

/** Predicted ms of one assignment. */
export function predict(costs: Costs, stretch: Stretch): number {
  return sum(Object.values(loads(costs, stretch)));
}

/**
 * The fastest assignment with at most one crossing back to the CPU. Logits are read on the CPU, so every run of stages on an
 * accelerator ends in a crossing. An activation passes through the CPU on its way between two accelerators, which is one, too.
 * Hence there is at most one such run, on one accelerator, and n (n + 1) / 2 candidates for each of them.
 */
export function plan(costs: Costs): Choice {
  const last = costs.stages.cpu.length - 1;
  let single: StreamChoice = { stretch: null, ms: predict(costs, null) };
  const alone: { -readonly [Name in keyof ByDevice<number>]: number } = { cpu: single.ms };
  for (const device of acceleratorsOf(costs)) {
    const stretch = { device, first: 0, last };
    const ms = predict(costs, stretch);
    alone[device] = ms;
    if (ms < single.ms) single = { stretch, ms };
  }
  return { ...hybridWorth(costs, single, (stretch) => predict(costs, stretch)), alone };
}

/** The factor by which the CPU and an accelerator slow each other down while both work; 1 where it is not known. */
export type Contention = { readonly [Name in AcceleratorName]?: number };

/** Predicted ms between two answers while images are in flight on both devices: the busier one sets the pace. */
export function pace(costs: Costs, stretch: Stretch, contention: Contention = {}): number {
  const factor = stretch && isShared(costs, stretch) ? (contention[stretch.device] ?? 1) : 1;
  return Math.max(...Object.values(loads(costs, stretch))) * factor;
}

/** Whether two devices have something to do. */
export function isShared({ stages }: Costs, stretch: Stretch): boolean {
  return stretch !== null && stretch.last - stretch.first + 1 < stages.cpu.length;
}

/** The assignment with the most images a second. `single` is the plan for one image at a time, kept where the gain is small. */
export function planStream(costs: Costs, single: Stretch, contention: Contention = {}): StreamChoice {
  const cost = (stretch: Stretch) => pace(costs, stretch, contention);
  return hybridWorth(costs, { stretch: single, ms: cost(single) }, cost);
}

/** The best stretch of stages for an accelerator by `cost`; `present` where none is better by enough. */
function hybridWorth(costs: Costs, present: StreamChoice, cost: (stretch: Stretch) => number): StreamChoice {
  const stages = costs.stages.cpu.length;
  let best = present;
  for (const device of acceleratorsOf(costs)) {
    for (let first = 0; first < stages; first++) {
      for (let last = first; last < stages; last++) {
        const stretch = { device, first, last };
        const ms = cost(stretch);
        if (ms < best.ms) best = { stretch, ms };
      }
    }
  }
  return best.ms > HYBRID_GAIN * present.ms ? present : best;
}
