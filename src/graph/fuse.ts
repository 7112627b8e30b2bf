import { ModelFormatError } from "../errors.js";
import type { BatchNormOp, ConvOp, LinearOp, Network, Op, Stage, ValueId, Vector, Weight } from "./network.js";
import type { KindsWith } from "./op-table.js";
import { elementCount } from "./tensor.js";
import { lazyVector, needsOf } from "./vector.js";

/**
 * Shortens a network without changing what it computes: a ReLU becomes part of the operation before it, and with
 * `foldBatchNorm` a BatchNorm and then the block's sum become part of the convolution before them. What lies between two operations
 * that are joined is never rounded: only the result keeps its quantization.
 */
export function fuse(network: Network, foldBatchNorm: boolean): Network {
  const readers = new Uint32Array(network.values.length);
  for (const stage of network.stages) {
    readers[stage.output]!++;
    for (const op of stage.ops) for (const value of op.inputs) readers[value]!++;
  }
  const flaws: string[] = [];
  const stages = network.stages.map((stage) => ({ ...stage, ops: fuseStage(stage, readers, foldBatchNorm, flaws) }));
  const kept = stages.reduce((sum, stage) => sum + stage.ops.filter((op) => op.kind === "batchNorm").length, 0);
  const { folded, kept: before } = network.batchNorms;
  return renumber({ ...network, stages, flaws, batchNorms: { folded: folded + before - kept, kept } });
}

function fuseStage(stage: Stage, readers: Uint32Array, foldBatchNorm: boolean, flaws: string[]): Op[] {
  const fused: Op[] = [];
  const madeBy = new Map<ValueId, number>();
  for (const op of stage.ops) {
    const [input] = op.inputs;
    const at = readers[input] === 1 ? madeBy.get(input) : undefined;
    // An operation takes its place among the others when its first part runs: a sum's other term must be there by then.
    const ready = at !== undefined && op.inputs.every((value) => value === input || (madeBy.get(value) ?? -1) < at);
    const joined = ready ? absorb(fused[at]!, op, foldBatchNorm, flaws) : null;
    if (joined) fused[at!] = joined;
    madeBy.set(op.output, joined ? at! : fused.push(op) - 1);
  }
  // Those that no BatchNorm was folded into are looked at as well.
  return fused.map((op) =>
    "weight" in op && !looked.has(op.weight) ? { ...op, weight: scaled(op.weight, null, op.name, flaws) } : op,
  );
}

/** One operation that does `first`, then `next`; null where there is none. */
function absorb(first: Op, next: Op, foldBatchNorm: boolean, flaws: string[]): Op | null {
  const { output } = next;
  const open = first.kind === "conv" && !first.relu && first.inputs.length < 2;
  const openLinear = first.kind === "linear" && !first.relu;
  if (foldBatchNorm && next.kind === "batchNorm") {
    if (open) return { ...fold(first, next, flaws), statistics: next.statistics, output };
    if (openLinear) return { ...fold(first, next, flaws), output };
  }
  if (open && foldBatchNorm && next.kind === "add") {
    return { ...first, inputs: [first.inputs[0], next.inputs[1]], relu: next.relu, output };
  }
  if (next.kind === "relu") {
    const takesRelu =
      first.kind === "conv" ||
      first.kind === "batchNorm" ||
      first.kind === "linear" ||
      (first.kind === "add" && foldBatchNorm);
    if (takesRelu) return { ...first, relu: true, output };
    first.kind satisfies KindsWith<"relu", false> | "add";
  }
  return null;
}

/** scale * (w . x + b) + shift = (scale * w) . x + (scale * b + shift), in f64 until the end. */
function fold<O extends ConvOp | LinearOp>(op: O, { scale, shift, relu }: BatchNormOp, flaws: string[]): O {
  const bias = lazyVector(shift.length, needsOf(shift, scale, op.bias), () => {
    const [before, scales] = [op.bias?.read(), scale.read()];
    return shift.read().map((value, c) => value + (before?.[c] ?? 0) * scales[c]!);
  });
  return { ...op, weight: scaled(op.weight, scale, op.name, flaws), bias, relu };
}

/** Weights whose rows are looked at as they are scaled. */
const looked = new WeakSet<Weight>();

/** Rows times `scale`, or as they are. Where they are read, they are looked at for what cannot be. */
function scaled(weight: Weight, scale: Vector | null, layer: string, flaws: string[]): Weight {
  const row = elementCount(weight.shape.slice(1));
  /** Rows from the first on in which every weight is zero. */
  let zeros = 0;
  const whole: Weight = {
    ...weight,
    // A BatchNorm behind integers is folded into f32 alone: files of integers have theirs folded.
    int8: scale ? undefined : weight.int8,
    needs: (end) => Math.max(weight.needs?.(end) ?? 0, needsOf(scale)),
    read(begin, end, target) {
      weight.read(begin, end, target);
      const scales = scale?.read();
      for (let channel = begin, at = 0; channel < end; channel++) {
        const factor = scales ? scales[channel]! : 1;
        // Two sums, so that an addition does not wait for the one before.
        let [even, odd] = [0, 0];
        const stop = at + row;
        for (const pairs = stop - (row & 1); at < pairs; at += 2) {
          const [first, second] = [target[at]! * factor, target[at + 1]! * factor];
          target[at] = first;
          target[at + 1] = second;
          even += first * first;
          odd += second * second;
        }
        if (at < stop) {
          const last = target[at]! * factor;
          target[at++] = last;
          even += last * last;
        }
        const length = even + odd;
        if (!(length < Number.POSITIVE_INFINITY)) {
          throw new ModelFormatError(
            `${layer}.weight[${channel}] holds NaN or an infinity. The file is damaged, or training diverged.`,
          );
        }
        if (length === 0 && zeros === channel) zeros++;
      }
      const flaw = `Every weight of ${layer} is zero, or its BatchNorm's are: it tells no two images apart.`;
      if (zeros === weight.shape[0] && !flaws.includes(flaw)) flaws.push(flaw);
    },
  };
  looked.add(whole);
  return whole;
}

/** Drops the values that no operation makes any more. */
export function renumber(network: Network): Network {
  const ids = new Map<ValueId, ValueId>([[network.input, 0]]);
  const id = (old: ValueId) => ids.get(old)!;
  for (const stage of network.stages) for (const op of stage.ops) ids.set(op.output, ids.size);
  return {
    ...network,
    values: [...ids.keys()].map((old) => network.values[old]!),
    stages: network.stages.map((stage) => ({
      ...stage,
      input: id(stage.input),
      output: id(stage.output),
      ops: stage.ops.map((op) => ({ ...op, inputs: op.inputs.map(id) as [ValueId], output: id(op.output) }) as Op),
    })),
    input: 0,
    output: id(network.output),
  };
}
