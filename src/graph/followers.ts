import type { ActivationOp, ConvOp, Graph, Op, ReluOp, ValueId } from "./network.js";

/** An elementwise operation that can become part of the one before it. */
export type Follower = ReluOp | ActivationOp;

export interface Followers {
  /** By operation, the follower that alone reads it, in its stage. */
  readonly of: ReadonlyMap<Op, Follower>;
  readonly absorbed: ReadonlySet<Op>;
}

/** `takes`: whether an operation can do a follower's work. */
export function followersOf(stages: Graph["stages"], takes: (maker: Op, follower: Follower) => boolean): Followers {
  const of = new Map<Op, Follower>();
  const readers = new Map<ValueId, number>();
  const count = (value: ValueId) => readers.set(value, (readers.get(value) ?? 0) + 1);
  for (const { output, ops } of stages) {
    count(output);
    for (const { inputs } of ops) inputs.forEach(count);
  }
  for (const { ops } of stages) {
    const makers = new Map<ValueId, Op>();
    for (const op of ops) {
      makers.set(op.output, op);
      if (op.kind !== "activation" && op.kind !== "relu") continue;
      const [input] = op.inputs;
      const maker = makers.get(input);
      if (maker && readers.get(input) === 1 && takes(maker, op)) of.set(maker, op);
    }
  }
  return { of, absorbed: new Set(of.values()) };
}

/** A ReLU of its own would come first; groups that do not end on whole vectors share theirs. */
export function convTakesOne({ relu, groups, weight }: ConvOp): boolean {
  const [out, depth] = weight.shape as [number, number];
  return !relu && (groups === 1 || depth === 1 || (out / groups) % 4 === 0);
}

/** What a ReLU or a clip from zero leaves at most; 0: it is neither. */
export function mostOf(op: Follower): number {
  if (op.kind === "relu") return Number.POSITIVE_INFINITY;
  if (op.function === "relu6") return 6;
  const { alpha = 1, beta = 0 } = op;
  return op.function === "clip" && alpha === 0 ? beta : 0;
}
