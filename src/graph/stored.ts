import { isExtended } from "./extended-op.js";
import type { ActivationOp, ConvOp, Graph, Network, Op, Quantization, ReluOp, ValueId, ValueShape } from "./network.js";
import { keepsScale, ranges, typeOf, withScales } from "./quantization.js";

/** What a convolution stores, where that is integers. */
export interface Stored {
  /** The convolution's output, or that of the activation which is part of the store. */
  readonly value: ValueId;
  readonly integers: Omit<Quantization, "scale">;
  /** The greatest real number that is kept; infinite unless an activation bounds it. */
  readonly most: number;
}

/** An activation that integers do by their range alone: they begin at zero, and end where it does. */
export type Bound = ReluOp | ActivationOp;

export interface Bounds {
  /** By convolution, the bound that alone reads it, in its stage. */
  readonly of: ReadonlyMap<Op, Bound>;
  readonly absorbed: ReadonlySet<Op>;
  /** Values read by unpadded convolutions, and by no padded one, pool or mean: their zero may be 64. */
  readonly shiftable: ReadonlySet<ValueId>;
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
  const [read, fixed] = [new Set<ValueId>(), new Set<ValueId>()];
  const readers = new Map<ValueId, number>();
  const count = (value: ValueId) => readers.set(value, (readers.get(value) ?? 0) + 1);
  for (const { output, ops } of stages) {
    count(output);
    for (const op of ops) {
      op.inputs.forEach(count);
      const isPadded = op.kind === "conv" && op.padding.some((side) => side > 0);
      if (isPadded || keepsScale(op) || op.kind === "globalAveragePool") fixed.add(op.inputs[0]);
      else if (op.kind === "conv") read.add(op.inputs[0]);
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
  const shiftable = new Set([...read].filter((value) => !fixed.has(value)));
  return { of, absorbed: new Set(of.values()), shiftable };
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
  const bounds = isExtended(network) ? boundsOf(network) : null;
  const bound = bounds?.of.get(op);
  const value = bound?.output ?? op.output;
  const type = typeOf(bound ? { ...op, relu: true } : op, network);
  return {
    value,
    integers: type === "s8" && bounds?.shiftable.has(value) ? offset : { type },
    most: bound ? mostOf(bound) : Number.POSITIVE_INFINITY,
  };
}

/** What reads bytes without a sign reads -64..63 as 0..127. */
const offset = { type: "u7", zero: 64 } as const;

/** As `withScales`, of any network. */
export function withScalesIn(network: Network, scaleOf: (op: ConvOp) => number | null): Network {
  if (!isExtended(network)) return withScales(network, scaleOf);
  const { of, absorbed, shiftable } = boundsOf(network);
  const own = new Map<Op, ConvOp>();
  const joined = (op: Op): Op => {
    const bound = of.get(op);
    if (op.kind !== "conv" || !bound) return op;
    const whole = { ...op, output: bound.output, relu: true };
    own.set(whole, op);
    return whole;
  };
  const stages = network.stages.map(({ ops, ...stage }) => ({
    ...stage,
    ops: ops.filter((op) => !absorbed.has(op)).map(joined),
  }));
  const { values } = withScales({ ...network, stages }, (op) => scaleOf(own.get(op) ?? op));
  const shifted = (shape: ValueShape, value: ValueId): ValueShape =>
    shape.quantization?.type === "s8" && shiftable.has(value)
      ? { ...shape, quantization: { ...shape.quantization, ...offset } }
      : shape;
  return { ...network, values: values.map(shifted) };
}

/** The least and the greatest multiple of its scale that a value takes. */
export function stepsOf({ type, zero = 0 }: Stored["integers"]): [least: number, most: number] {
  const [least, most] = ranges[type];
  return [least - zero, most - zero];
}
