import { isExtended } from "./extended-op.js";
import { convTakesOne, type Follower, type Followers, followersOf, mostOf } from "./followers.js";
import type { ConvOp, Graph, Network, Op, Quantization, ValueId, ValueShape } from "./network.js";
import { keepsScale, ranges, typeOf, withScales } from "./quantization.js";

/** What a convolution stores, where that is integers. */
export interface Stored {
  /** The convolution's output, or that of the activation which is part of the store. */
  readonly value: ValueId;
  readonly integers: Omit<Quantization, "scale">;
  /** The greatest real number that is kept; infinite unless an activation bounds it. */
  readonly most: number;
}

/** Convolutions with activations that integers do by their range alone: they begin at zero, and end where it does. */
export interface Bounds extends Followers {
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
  const [read, fixed] = [new Set<ValueId>(), new Set<ValueId>()];
  for (const op of stages.flatMap(({ ops }) => ops)) {
    const isPadded = op.kind === "conv" && op.padding.some((side) => side > 0);
    if (isPadded || keepsScale(op) || op.kind === "globalAveragePool") fixed.add(op.inputs[0]);
    else if (op.kind === "conv") read.add(op.inputs[0]);
  }
  const shiftable = new Set([...read].filter((value) => !fixed.has(value)));
  const takes = (op: Op, bound: Follower) => op.kind === "conv" && mostOf(bound) > 0 && convTakesOne(op);
  return { ...followersOf(stages, takes), shiftable };
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
