import { Finish } from "../../assembly/shared/extended.js";
import { Field } from "../../assembly/shared/record.js";
import type { Inside } from "../cpu/observe.js";
import type { Step } from "../cpu/program/program.js";
import type { Network, Op, Quantization, ValueId } from "../graph/network.js";
import { boundsOf, stepsOf, storedIn } from "../graph/stored.js";
import { paddedChannels } from "../graph/tensor.js";

/** Operations that a visitor sees: all that a convolution or a linear layer reads from, but for those that others need. */
const seen = [
  "conv",
  "linear",
  "maxPool",
  "averagePool",
  "globalAveragePool",
  "globalMaxPool",
  "zeroPadShortcut",
] as const;
export type Seen = Extract<Op, { kind: (typeof seen)[number] }>;

const isSeen = (op: Op): op is Seen => seen.some((kind) => kind === op.kind);

/**
 * Sees an operation's value: H x W x C, channels padded to `step`. `values` is the engine's own memory, and what is written there goes
 * on through the network. `value`: the operation's, or that of an activation which is part of its store.
 */
export type Visitor = (op: Seen, values: Float32Array, step: number, value: ValueId) => void;

export interface Visitors {
  /** Before a ReLU that is part of the operation; with its residual. */
  readonly bare?: Visitor | undefined;
  /** After it, and after rounding. */
  readonly stored?: Visitor | undefined;
  /** The run ends behind the operation that this is true of; there are no logits then. */
  readonly until?: ((op: Seen) => boolean) | undefined;
}

/**
 * Runs a network on one image, [3, H, W] planes, and rounds each value that has a quantization in `values`, as integer kernels do:
 * real numbers in f32 stand for `scale * q`. Returns the logits. `inside`: of an engine that computes the network in float.
 */
export function runRounded(
  { network, program, memory, write, execute }: Inside,
  shapes: Network["values"],
  input: Float32Array,
  { bare, stored, until }: Visitors = {},
): Float32Array {
  const { buffer } = memory;
  const bounds = boundsOf(network);
  write(0, input);
  let done = 0;
  for (const [stage, { ops }] of network.stages.entries()) {
    for (const op of ops) {
      if (!isSeen(op)) continue;
      const { value, most } =
        op.kind === "conv" ? storedIn(op, network) : { value: op.output, most: Number.POSITIVE_INFINITY };
      const { quantization, height, width, channels } = shapes[value]!;
      if (!quantization && !bare && !stored) continue;
      const recordAt = (index: number) =>
        new Int32Array(buffer, program.recordsAt + 4 * index * Field.size, Field.size);
      const index = lastRecord(program.steps, stage, op, done);
      const record = recordAt(index);
      const step = paddedChannels(channels);
      const valuesOf = (record: Int32Array) => new Float32Array(buffer, record[Field.output]!, height * width * step);
      let values = valuesOf(record);
      const relu = record[Field.relu]!;
      // Any function but a ReLU or a clip stays the kernel's: nothing is seen or rounded before it.
      if (relu > Finish.clipAbove) continue;
      try {
        // The ReLU follows here: it is also what integers are clamped to.
        record[Field.relu] = 0;
        execute(done, index + 1);
      } finally {
        record[Field.relu] = relu;
      }
      done = index + 1;
      bare?.(op, values, step, value);
      const bound = bounds.of.get(op);
      if (bound && program.steps[done]?.name === bound.name) {
        execute(done, done + 1);
        values = valuesOf(recordAt(done++));
      }
      const clamped = bound !== undefined || ("relu" in op && op.relu);
      if (quantization) round(values, quantization);
      else if (clamped) {
        for (let at = 0; at < values.length; at++) values[at] = Math.min(most, Math.max(0, values[at]!));
      }
      stored?.(op, values, step, value);
      if (until?.(op)) return new Float32Array(0);
    }
  }
  execute(done, program.steps.length);
  return new Float32Array(buffer, program.outputs.at(-1)!.at, network.values[network.output]!.channels).slice();
}

/** The record that stores an operation's output: the last of a convolution's, and of others the only one. */
function lastRecord(steps: readonly Step[], stage: number, { kind, name }: Seen, from: number): number {
  const isOwn = (step: Step | undefined) => step?.stage === stage && step.name === name;
  let index = from;
  while (!isOwn(steps[index])) index++;
  while (kind === "conv" && isOwn(steps[index + 1])) index++;
  return index;
}

/** A number below 2^22 in f32 plus this has no place for a fraction: the sum is rounded to nearest, ties to even. */
const TO_INTEGER = 1.5 * 2 ** 23;

export function round(values: Float32Array, quantization: Quantization): void {
  const [least, most] = stepsOf(quantization);
  const { scale } = quantization;
  const inverse = 1 / scale;
  for (let at = 0; at < values.length; at++) {
    const quotient = values[at]! * inverse;
    const clamped = Math.min(most, Math.max(least, quotient));
    values[at] = (Math.fround(clamped + TO_INTEGER) - TO_INTEGER) * scale;
  }
}
