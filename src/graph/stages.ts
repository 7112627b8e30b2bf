import { UnsupportedModelError } from "../errors.js";
import { opMacs } from "./macs.js";
import type { Graph, Op, Stage, ValueId } from "./network.js";

/** A network that has no stages yet: operations in an order in which each finds its inputs made. */
export type Sequence = Pick<Graph, "values" | "input" | "output"> & { readonly ops: readonly Op[] };

/**
 * Cuts a sequence into at most `most` stages of about equal multiply-accumulates. A border is where one value alone is alive: what
 * was made before it is read behind it nowhere else. None is before an operation of kind "activation", which may be part of what it
 * reads. Where there are fewer borders there are fewer stages. Operations that the output does not depend on are left out. A stage has
 * its first operation's name.
 *
 * Throws `UnsupportedModelError` where an operation reads what is not made before it, or nothing makes the output.
 */
export function cutStages(sequence: Sequence, most = Number.POSITIVE_INFINITY): Stage[] {
  const ops = neededOps(sequence);
  const macs = ops.map((op) => opMacs(op, sequence.values[op.output]!));
  const total = macs.reduce((sum, count) => sum + count, 0);
  const stages: Stage[] = [];
  let [input, begin, done] = [sequence.input, 0, 0];
  for (const [index, alive] of aliveAfter(ops, sequence).entries()) {
    done += macs[index]!;
    const last = index + 1 === ops.length;
    // The last stage takes what is left.
    const full = stages.length + 1 < most && done >= (total / most) * (stages.length + 1);
    if (alive === null || !(last || full) || ops[index + 1]?.kind === "activation") continue;
    stages.push({ name: ops[begin]!.name, input, output: alive, ops: ops.slice(begin, index + 1) });
    [input, begin] = [alive, index + 1];
  }
  return stages;
}

/** The operations that the output depends on, in their order. */
function neededOps({ ops, input, output }: Sequence): Op[] {
  const needed = new Set([output]);
  const kept: Op[] = [];
  for (const op of [...ops].reverse()) {
    if (!needed.delete(op.output)) continue;
    kept.push(op);
    for (const value of op.inputs) needed.add(value);
  }
  needed.delete(input);
  for (const value of needed) {
    const reader = kept.find((op) => op.inputs.some((it) => it === value));
    throw new UnsupportedModelError(
      reader
        ? `"${reader.name}" reads value ${value}, which no operation before it makes.`
        : `No operation makes value ${value}, the network's output.`,
    );
  }
  if (kept.length === 0) throw new UnsupportedModelError("The network has no operations: its output is its input.");
  return kept.reverse();
}

/** The one value that is alive behind each operation; null where several are. */
function aliveAfter(ops: readonly Op[], { input, output }: Sequence): (ValueId | null)[] {
  const lastRead = new Map<ValueId, number>();
  for (const [index, op] of ops.entries()) for (const value of op.inputs) lastRead.set(value, index);
  lastRead.set(output, ops.length);
  const alive = new Set([input]);
  return ops.map((op, index) => {
    alive.add(op.output);
    for (const value of op.inputs) if (lastRead.get(value)! <= index) alive.delete(value);
    const [one = null] = alive;
    return alive.size === 1 ? one : null;
  });
}

/**
 * Throws `UnsupportedModelError` unless a network's stages are what `Stage` promises: each reads its input and what it makes itself,
 * makes its output, and hands that to the next. Every value is made once.
 */
export function checkStages({ stages, values, input, output }: Graph): void {
  const refuse = (stage: Stage, what: string) => {
    throw new UnsupportedModelError(`Stage "${stage.name}" ${what}.`);
  };
  const made = new Set([input]);
  let crossing = input;
  for (const stage of stages) {
    if (stage.input !== crossing) refuse(stage, `takes value ${stage.input}; the stage before it gives ${crossing}`);
    const here = new Set([stage.input]);
    for (const op of stage.ops) {
      for (const value of op.inputs) {
        if (!here.has(value))
          refuse(stage, `reads value ${value} in "${op.name}", which is not its input nor made in it`);
      }
      if (made.has(op.output)) refuse(stage, `makes value ${op.output} in "${op.name}" a second time`);
      if (!values[op.output]) refuse(stage, `makes value ${op.output} in "${op.name}", which has no shape`);
      here.add(op.output);
      made.add(op.output);
    }
    if (stage.output === stage.input || !here.has(stage.output))
      refuse(stage, `does not make its output, value ${stage.output}`);
    crossing = stage.output;
  }
  if (crossing !== output) {
    throw new UnsupportedModelError(`The last stage gives value ${crossing}; the network's output is value ${output}.`);
  }
}
