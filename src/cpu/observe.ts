import { Field, Kernel } from "../../assembly/shared/record.js";
import type { BatchNormOp, ConvOp, Graph, ValueShape } from "../graph/network.js";
import type { Program } from "./program/program.js";

/** What of the engine an observation works on. */
export interface Inside {
  readonly network: Graph;
  readonly program: Program;
  readonly memory: WebAssembly.Memory;
  /** Puts the image, planes, where the first record reads it. */
  write(stage: number, input: Float32Array): void;
  /** Runs records [begin, end). */
  execute(begin: number, end: number): void;
}

/** An operation whose BatchNorm's statistics are known. */
export type Normalized = (ConvOp | BatchNormOp) & { readonly statistics: NonNullable<ConvOp["statistics"]> };

/**
 * `values`: an operation's output before its ReLU, H x W x C, channels padded to a multiple of four. `residual`: what was added to
 * it, of the same layout; null where nothing was. Both are read before the call returns.
 */
export type Visit = (op: Normalized, values: Float32Array, residual: Float32Array | null, shape: ValueShape) => void;

/**
 * Runs the whole network on one image, and shows what each operation with statistics makes. Returns the logits, a plain run's to
 * the bit. Such an operation's record runs without its ReLU, which follows.
 */
export function observe(inside: Inside, input: Float32Array, visit: Visit): Float32Array {
  const { network, program, memory } = inside;
  inside.write(0, input);
  let done = 0;
  const scratch = new Scratch();
  for (const [stage, { ops }] of network.stages.entries()) {
    for (const op of ops) {
      if (!("statistics" in op) || !op.statistics) continue;
      // An operation's last record is the one that stores its output.
      const index = program.steps.findLastIndex(
        (step) => step.stage === stage && step.name === op.name && step.output === op.output,
      );
      inside.execute(done, index);
      runBare(inside, index, scratch, (...seen) => visit(op as Normalized, ...seen, network.values[op.output]!));
      done = index + 1;
    }
  }
  inside.execute(done, program.steps.length);
  return new Float32Array(memory.buffer, program.outputs.at(-1)!.at, network.values[network.output]!.channels).slice();
}

/** One array for every residual of a run. */
class Scratch {
  #array = new Float32Array(0);

  copy(values: Float32Array): Float32Array {
    if (this.#array.length < values.length) this.#array = new Float32Array(values.length);
    const copy = this.#array.subarray(0, values.length);
    copy.set(values);
    return copy;
  }
}

function runBare(
  inside: Inside,
  index: number,
  scratch: Scratch,
  look: (values: Float32Array, residual: Float32Array | null) => void,
): void {
  const { buffer } = inside.memory;
  const record = new Int32Array(buffer, inside.program.recordsAt + 4 * index * Field.size, Field.size);
  const own = record.slice();
  const [height, width, step] = [own[Field.outHeight]!, own[Field.outWidth]!, own[Field.outStep]!];
  const length = height * width * step;
  const values = new Float32Array(buffer, own[Field.output]!, length);
  // A copy: the output may lie where the residual does.
  const residual = own[Field.residual] ? scratch.copy(new Float32Array(buffer, own[Field.residual]!, length)) : null;
  try {
    record[Field.relu] = 0;
    inside.execute(index, index + 1);
    look(values, residual);
    if (!own[Field.relu]) return;
    // The record of a ReLU, in place of its own: here it would take longer than the convolution.
    record.fill(0);
    for (const field of [Field.input, Field.output]) record[field] = own[Field.output]!;
    for (const field of [Field.pieces, Field.inHeight, Field.outHeight]) record[field] = height;
    for (const field of [Field.inWidth, Field.outWidth]) record[field] = width;
    for (const field of [Field.inStep, Field.outStep]) record[field] = step;
    record[Field.kernel] = Kernel.affine;
    record[Field.relu] = 1;
    inside.execute(index, index + 1);
  } finally {
    record.set(own);
  }
}
