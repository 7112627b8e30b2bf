import { isExtended } from "./extended-op.js";
import type { ActivationOp, ConvOp, Graph, Op, ReluOp, ValueId } from "./network.js";
import { type Stored, storedPlainly } from "./quantization.js";

/** An activation that integers do by their range alone: they begin at zero, and end where it does. */
export type Bound = ReluOp | ActivationOp;

export interface Bounds {
  /** By convolution, the bound that alone reads it, in its stage. */
  readonly of: ReadonlyMap<Op, Bound>;
  readonly absorbed: ReadonlySet<Op>;
  /** Values that a convolution without padding reads: it can take an offset off its input. */
  readonly readAsInput: ReadonlySet<ValueId>;
}

const known = new WeakMap<Graph["stages"], Bounds>();

/** Convolutions with the bounds that become part of their stores. */
export function boundsOf({ stages }: Pick<Graph, "stages">): Bounds {
  const found = known.get(stages) ?? find(stages);
  known.set(stages, found);
  return found;
}

function find(stages: Graph["stages"]): Bounds {
  const of = new Map<Op, Bound>();
  const readAsInput = new Set<ValueId>();
  const readers = new Map<ValueId, number>();
  const count = (value: ValueId) => readers.set(value, (readers.get(value) ?? 0) + 1);
  for (const { output, ops } of stages) {
    count(output);
    for (const op of ops) {
      op.inputs.forEach(count);
      if (op.kind === "conv" && op.padding.every((side) => side === 0)) readAsInput.add(op.inputs[0]);
    }
  }
  for (const { ops } of stages) {
    const makers = new Map<ValueId, ConvOp>();
    for (const op of ops) {
      if (op.kind === "conv" && !op.relu) makers.set(op.output, op);
      if (op.kind !== "relu" && op.kind !== "activation") continue;
      const maker = makers.get(op.inputs[0]);
      if (maker && readers.get(op.inputs[0]) === 1 && mostOf(op) > 0 && takesBound(maker)) of.set(maker, op);
    }
  }
  return { of, absorbed: new Set(of.values()), readAsInput };
}

/** What such an activation leaves at most; 0: it is none. */
function mostOf(op: Bound): number {
  if (op.kind === "relu") return Number.POSITIVE_INFINITY;
  if (op.function === "relu6") return 6;
  const { alpha = 1, beta = 0 } = op;
  return op.function === "clip" && alpha === 0 ? beta : 0;
}

/** As the f32 kernels have it: groups that do not end on whole vectors share theirs. */
function takesBound({ groups, weight }: ConvOp): boolean {
  const [out, depth] = weight.shape as [number, number];
  return groups === 1 || depth === 1 || (out / groups) % 4 === 0;
}

/** What a convolution stores, where that is integers, in any network. */
export function storedIn(op: ConvOp, network: Graph): Stored {
  if (!isExtended(network)) return storedPlainly(op, network);
  const { of, readAsInput } = boundsOf(network);
  const bound = of.get(op);
  const value = bound?.output ?? op.output;
  if (bound || op.relu) {
    const type = op.inputs[0] === network.input ? "u8" : "u7";
    return { value, type, most: bound ? mostOf(bound) : Number.POSITIVE_INFINITY };
  }
  return { value, type: readAsInput.has(value) ? "s7" : "s8", most: Number.POSITIVE_INFINITY };
}
