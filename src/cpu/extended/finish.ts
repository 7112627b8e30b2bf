import { Finish } from "../../../assembly/shared/extended.js";
import type { ActivationOp, Graph, Op, ReluOp, ValueId } from "../../graph/network.js";

/** An elementwise operation that can run where its input is stored. */
export type Follower = ActivationOp | ReluOp;

/** How the operation before it does a follower's work. */
export interface Finishing {
  readonly code: Finish;
  readonly parameter: number;
}

/** Functions without parameters that leave a zero one. */
const plain: Readonly<Partial<Record<ActivationOp["function"], Finish>>> = {
  silu: Finish.silu,
  gelu: Finish.gelu,
  "gelu-tanh": Finish.geluTanh,
  "hard-swish": Finish.hardSwish,
  mish: Finish.mish,
  tanh: Finish.tanh,
  absolute: Finish.absolute,
  sqrt: Finish.sqrt,
  erf: Finish.erf,
};

/** Functions that do not: where pixels have padding lanes, these run on their own. */
const offset: Readonly<Partial<Record<ActivationOp["function"], Finish>>> = {
  sigmoid: Finish.sigmoid,
  softplus: Finish.softplus,
  exp: Finish.exp,
};

/** Null: it runs on its own. */
export function finishingOf(op: Follower, channels: number): Finishing | null {
  if (op.kind === "relu") return { code: Finish.relu, parameter: 0 };
  const { function: name, slope = 0.01, alpha = 1, beta = 0 } = op;
  if (name === "relu6") return { code: Finish.clipAbove, parameter: 6 };
  if (name === "clip" && alpha === 0 && beta > 0) return { code: Finish.clipAbove, parameter: beta };
  if (name === "leaky-relu") return { code: Finish.leakyRelu, parameter: slope };
  if (name === "elu") return { code: Finish.elu, parameter: alpha };
  const hasPadding = channels % 4 !== 0;
  if (name === "hard-sigmoid" && beta === 0.5 && !hasPadding) return { code: Finish.hardSigmoid, parameter: alpha };
  const code = plain[name] ?? (hasPadding ? undefined : offset[name]);
  return code === undefined ? null : { code, parameter: 0 };
}

/** By operation, the follower that it takes over; and followers that are taken over. */
export interface Fusions {
  readonly followers: ReadonlyMap<Op, Follower>;
  readonly absorbed: ReadonlySet<Op>;
}

const known = new WeakMap<Graph, Fusions>();

/** Convolutions, linear and binary operations whose one reader is a follower, within a stage. */
export function fusionsOf(network: Graph): Fusions {
  const found = known.get(network) ?? find(network);
  known.set(network, found);
  return found;
}

function find({ stages, values }: Graph): Fusions {
  const followers = new Map<Op, Follower>();
  const absorbed = new Set<Op>();
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
      if (!maker || readers.get(input) !== 1 || !takesOne(maker)) continue;
      if (!finishingOf(op, values[input]!.channels)) continue;
      followers.set(maker, op);
      absorbed.add(op);
    }
  }
  return { followers, absorbed };
}

/** A ReLU of its own would come first; groups that do not end on whole vectors share theirs. */
function takesOne(op: Op): boolean {
  if (op.kind === "binary") return true;
  if (op.kind === "linear") return !op.relu;
  if (op.kind !== "conv" || op.relu) return false;
  const [out, depth] = op.weight.shape as [number, number];
  return op.groups === 1 || depth === 1 || (out / op.groups) % 4 === 0;
}
