import { needsExtended } from "../../../graph/extended-op.js";
import { convTakesOne, type Follower, mostOf } from "../../../graph/followers.js";
import { renumber } from "../../../graph/fuse.js";
import type { ActivationOp, Network, Op, Quantization, ValueId } from "../../../graph/network.js";

/** Whole steps of a scale, from the one that is zero. */
type Steps = readonly [least: number, most: number];

/** How a value is stored, and by which operation. */
interface Store {
  /** What makes the value that is stored: with the activations that are no more than the integers' range, or another one behind it. */
  readonly maker: Op;
  readonly bound: Op | null;
  /** Operations that have nothing left to do. */
  readonly done: readonly Op[];
  readonly quantization: Quantization;
}

/**
 * The network with values of integers where its graph rounds, for the kernels on integers. Of the operations that round, those whose
 * value nothing else reads become part of what makes it; others stay and convert. `isOwn`: the file was written by this library.
 *
 * In float, and with no integers, where a device with integers has no kernel for one of the operations, or no convolution would be on
 * integers.
 */
export function rounded(network: Network, isOwn: boolean): Network {
  const { ops } = network.stages[0]!;
  const first = ops.find(isRounding);
  let whole = stored(network, isOwn, null);
  // A network of another maker is told by an operation that rounds.
  if (!isOwn && first && !whole.stages[0]!.ops.some(isRounding)) whole = stored(network, isOwn, first);
  const isDone = whole.stages[0]!.ops.every((op) => op.kind === "conv" || isRounding(op) || !needsExtended(op));
  return isDone && hasIntegers(whole) ? whole : withoutRows(network);
}

const isRounding = (op: Op): op is ActivationOp => op.kind === "activation" && op.function === "quantize";

function hasIntegers({ values, stages }: Network): boolean {
  const isByte = (value: ValueId) => /u7|u8/.test(values[value]!.quantization?.type ?? "");
  const isStored = (op: Op) => values[op.output]!.quantization !== undefined;
  const own = stages[0]!.ops.filter((op) => op.kind === "conv" && op.weight.int8 && isByte(op.inputs[0]));
  const bounded = new Set(stages[0]!.ops.filter(isStored).flatMap(({ inputs }) => inputs));
  return own.some((op) => isStored(op) || bounded.has(op.output));
}

function withoutRows(network: Network): Network {
  const plain = (op: Op): Op => ("weight" in op ? { ...op, weight: { ...op.weight, int8: undefined } } : op);
  return { ...network, stages: network.stages.map((stage) => ({ ...stage, ops: stage.ops.map(plain) })) };
}

/** `kept`: an operation that rounds and stays. */
function stored(network: Network, isOwn: boolean, kept: Op | null): Network {
  const [stage] = network.stages as [Network["stages"][number]];
  const makers = new Map(stage.ops.map((op) => [op.output, op]));
  const readers = new Map<ValueId, number>([[network.output, 1]]);
  for (const { inputs } of stage.ops) for (const value of inputs) readers.set(value, (readers.get(value) ?? 0) + 1);
  const alone = (value: ValueId) => (readers.get(value) === 1 ? makers.get(value) : undefined);
  const quantizations = new Map<ValueId, Quantization>();
  const renamed = new Map<Op, ValueId>();
  const done = new Set<Op>();
  for (const op of stage.ops) {
    if (!isRounding(op)) continue;
    const store = op === kept ? null : storeOf(op, alone, isOwn);
    quantizations.set(op.output, store?.quantization ?? quantizationOf(op, stepsOf(op))!);
    if (!store) continue;
    for (const other of [...store.done, op]) done.add(other);
    renamed.set(store.bound ?? store.maker, op.output);
  }
  const ops = stage.ops
    .filter((op) => !done.has(op))
    .map((op): Op => ({ ...op, output: renamed.get(op) ?? op.output }));
  keepScales(ops, quantizations, isOwn);
  const values = network.values.map((shape, value) => ({ ...shape, quantization: quantizations.get(value) }));
  return renumber({ ...network, values, stages: [{ ...stage, ops }] });
}

function stepsOf({ beta = 0, signed = false }: ActivationOp): Steps {
  const least = (signed ? -128 : 0) - beta;
  return [least, least + 255];
}

/** Integers that are stored from the least to the greatest of these steps and no further; null where there are none. */
function quantizationOf({ alpha: scale = 1 }: ActivationOp, [least, most]: Steps): Quantization | null {
  if (least === -127 && most === 127) return { type: "s8", scale };
  const type = most - least === 127 ? "u7" : most - least === 255 ? "u8" : null;
  return type && { type, scale, ...(least === 0 ? {} : { zero: -least }) };
}

function storeOf(op: ActivationOp, alone: (value: ValueId) => Op | undefined, isOwn: boolean): Store | null {
  const { alpha: scale = 1 } = op;
  let [least, most] = stepsOf(op);
  const within = (low: number, high: number) => {
    least = Math.max(least, Math.round(low / scale));
    most = Math.min(most, Math.round(high / scale));
  };
  const bounds: Follower[] = [];
  let maker = alone(op.inputs[0]);
  for (let range = maker && rangeOf(maker); range; range = maker && rangeOf(maker)) {
    bounds.push(maker as Follower);
    within(...range);
    maker = alone(maker!.inputs[0]);
  }
  if (!maker || isRounding(maker) || maker.kind === "maxPool") return null;
  if ("relu" in maker && maker.relu) within(0, Number.POSITIVE_INFINITY);
  const quantization = quantizationOf(op, [least, most]);
  if (!quantization) return null;
  // What this library writes to say a range is none of the network's own activations.
  const own = bounds.filter((it) => !(isOwn && it.kind === "activation" && it.function === "clip"));
  const done = bounds.filter((it) => !own.includes(it));
  const [bound] = own;
  if (!bound) return { maker, bound: null, done, quantization };
  // The same rule by which a device joins the two.
  const isJoined = own.length === 1 && maker.kind === "conv" && convTakesOne(maker) && mostOf(bound) > 0;
  return isJoined ? { maker, bound, done, quantization } : null;
}

/** What an activation that only bounds leaves, at least and at most. */
function rangeOf(op: Op): Steps | null {
  if (op.kind === "relu") return [0, Number.POSITIVE_INFINITY];
  if (op.kind !== "activation") return null;
  if (op.function === "relu6") return [0, 6];
  return op.function === "clip" ? [op.alpha ?? 1, op.beta ?? 0] : null;
}

/** Pools give their input's integers; of a file of this library, the mean of a u7 value before integer weights is in 64ths of its steps. */
function keepScales(ops: readonly Op[], quantizations: Map<ValueId, Quantization>, isOwn: boolean): void {
  const weighed = new Set(ops.flatMap((op) => (op.kind === "linear" && op.weight.int8 ? op.inputs : [])));
  for (const op of ops) {
    const before = quantizations.get(op.inputs[0]);
    if (!before || quantizations.has(op.output)) continue;
    if (op.kind === "maxPool") quantizations.set(op.output, before);
    else if (isOwn && op.kind === "globalAveragePool" && before.type === "u7" && weighed.has(op.output)) {
      quantizations.set(op.output, { type: "s16", scale: before.scale / 64 });
    }
  }
}
