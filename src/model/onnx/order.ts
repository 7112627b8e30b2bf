import type { Op, Stage, ValueId } from "../../graph/network.js";
import { cutStages, type Sequence } from "../../graph/stages.js";
import { elementCount } from "../../graph/tensor.js";
import { MAX_STAGES } from "../../limits.js";

/** Operations behind which nothing else reads a value, as fusing needs them. */
interface Made {
  readonly by: ReadonlyMap<ValueId, Op>;
  readonly readers: ReadonlyMap<ValueId, number>;
  /** Operations on the longest way from the input. */
  readonly depth: ReadonlyMap<ValueId, number>;
}

/** The convolution, with its BatchNorm, that ends in this value and in no other; null where there is none. */
function convolutionOf(value: ValueId, { by, readers }: Made): Op | null {
  let op = by.get(value);
  if (op?.kind === "batchNorm" && readers.get(value) === 1) op = by.get(op.inputs[0]);
  return op?.kind === "conv" && op.inputs.length === 1 && readers.get(op.output) === 1 ? op : null;
}

/**
 * Operations that the output depends on, each behind what it reads. A sum is of a convolution first, where it has one, and its other
 * term is made before that convolution, so that the sum can become part of it.
 */
export function ordered(ops: readonly Op[], output: ValueId): Op[] {
  const by = new Map(ops.map((op) => [op.output, op]));
  const readers = new Map<ValueId, number>([[output, 1]]);
  const reached = [output];
  for (const value of reached) {
    for (const input of by.get(value)?.inputs ?? []) {
      const count = readers.get(input) ?? 0;
      if (count === 0) reached.push(input);
      readers.set(input, count + 1);
    }
  }
  const depth = new Map<ValueId, number>();
  for (const op of ops) depth.set(op.output, 1 + Math.max(...op.inputs.map((input) => depth.get(input) ?? 0)));
  const made = { by, readers, depth };
  const kept = new Map<ValueId, Op>();
  const done = new Set<ValueId>();
  const waiting: { value: ValueId; ready: boolean }[] = [{ value: output, ready: false }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value, ready } = next;
    const found = by.get(value);
    if (!found || done.has(value)) continue;
    const op = summed(found, made);
    if (ready) {
      done.add(value);
      kept.set(value, op);
      continue;
    }
    waiting.push({ value, ready: true });
    const first = op.kind === "add" ? convolutionOf(op.inputs[0], made) : null;
    const needs = first ? [...first.inputs, op.inputs[1]!, op.inputs[0]] : op.inputs;
    // The last one pushed is made first.
    for (const need of [...needs].reverse()) if (!done.has(need)) waiting.push({ value: need, ready: false });
  }
  return [...kept.values()];
}

/** The convolution behind which the most stands is the one that a sum becomes part of: the other one is a shortcut's. */
function summed(op: Op, made: Made): Op {
  if (op.kind !== "add") return op;
  const [one, other] = op.inputs;
  const [first, second] = [convolutionOf(one, made), convolutionOf(other, made)];
  if (!second || (first && made.depth.get(first.output)! >= made.depth.get(second.output)!)) return op;
  return { ...op, inputs: [other, one] };
}

/** Fewer parts than these are no stages: all of a network's layers may be called "features". */
const FEWEST_PARTS = 4;

/**
 * At most eight stages. Where operations' names tell of a network's parts ("layer1.0.conv1"), and one value alone is alive between
 * those, they are the stages, with what is before them as "stem" and behind them as "head"; else by multiply-adds.
 */
export function stagesOf(sequence: Sequence): Stage[] {
  return cut(sequence).map((stage) => ({ ...stage, parameters: stage.ops.reduce((sum, op) => sum + learned(op), 0) }));
}

/** Weights, biases and a BatchNorm's pair, where it is left. */
function learned(op: Op): number {
  const bias = "bias" in op && typeof op.bias === "object" ? (op.bias?.length ?? 0) : 0;
  const weights = "weight" in op ? elementCount(op.weight.shape) : 0;
  return weights + bias + (op.kind === "batchNorm" ? 2 * op.scale.length : 0);
}

function cut(sequence: Sequence): Stage[] {
  const parts = partsOf(sequence.ops);
  const pieces = cutStages(sequence);
  const borders = new Set(pieces.map(({ ops }) => ops[0]!.output));
  const isCount = parts.length >= FEWEST_PARTS && parts.length <= MAX_STAGES;
  const fits = isCount && parts.every(({ ops }) => borders.has(ops[0]!.output));
  if (!fits) return named(cutStages(sequence, MAX_STAGES));
  let input = sequence.input;
  return parts.map(({ name, ops }) => {
    const stage = { name, input, output: ops.at(-1)!.output, ops };
    input = stage.output;
    return stage;
  });
}

/** Names are told apart: two stages may begin with the same kind of node. */
function named(stages: readonly Stage[]): Stage[] {
  const taken = new Set<string>();
  return stages.map((stage, index) => {
    const { name: own } = stage.ops.find((op) => "weight" in op && op.name !== "") ?? stage;
    const name = taken.has(own) ? `${own} (${index + 1})` : own;
    taken.add(name);
    return { ...stage, name };
  });
}

function partsOf(ops: readonly Op[]): { name: string; ops: Op[] }[] {
  const scope = ({ name }: Op) => (name.includes(".") ? name.slice(0, name.indexOf(".")) : "");
  const weights = new Map<string, number>();
  for (const op of ops) if ("weight" in op && scope(op)) weights.set(scope(op), (weights.get(scope(op)) ?? 0) + 1);
  const isPart = (op: Op) => (weights.get(scope(op)) ?? 0) > 1;
  const last = ops.findLastIndex((op) => "weight" in op && isPart(op));
  const parts: { name: string; ops: Op[] }[] = [];
  for (const [index, op] of ops.entries()) {
    const part = "weight" in op && isPart(op) ? scope(op) : null;
    const tail = index > last && (op.kind === "globalAveragePool" || op.kind === "globalMaxPool" || "weight" in op);
    const name = part ?? (tail ? "head" : (parts.at(-1)?.name ?? "stem"));
    if (parts.at(-1)?.name !== name) parts.push({ name, ops: [] });
    parts.at(-1)!.ops.push(op);
  }
  // One that begins twice is no part.
  return new Set(parts.map(({ name }) => name)).size === parts.length ? parts : [];
}
