import { Finish } from "../../../assembly/shared/extended.js";
import { convTakesOne, type Follower, type Followers, followersOf, mostOf } from "../../graph/followers.js";
import type { ActivationOp, Graph, Op } from "../../graph/network.js";

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
  const most = mostOf(op);
  if (most > 0) return { code: Finish.clipAbove, parameter: most };
  if (name === "leaky-relu") return { code: Finish.leakyRelu, parameter: slope };
  if (name === "elu") return { code: Finish.elu, parameter: alpha };
  const hasPadding = channels % 4 !== 0;
  if (name === "hard-sigmoid" && beta === 0.5 && !hasPadding) return { code: Finish.hardSigmoid, parameter: alpha };
  const code = plain[name] ?? (hasPadding ? undefined : offset[name]);
  return code === undefined ? null : { code, parameter: 0 };
}

const known = new WeakMap<Graph, Followers>();

/** Convolutions, linear and binary operations whose one reader is a follower, within a stage. */
export function fusionsOf(network: Graph): Followers {
  const found = known.get(network) ?? find(network);
  known.set(network, found);
  return found;
}

const find = ({ stages, values }: Graph) =>
  followersOf(stages, (maker, op) => takesOne(maker) && finishingOf(op, values[op.inputs[0]]!.channels) !== null);

function takesOne(op: Op): boolean {
  if (op.kind === "conv") return convTakesOne(op);
  return op.kind === "binary" || (op.kind === "linear" && !op.relu);
}
