import { Field } from "../../assembly/record.js";
import type { BatchNormOp, ConvOp, Network, ValueShape } from "../model/network.js";
import type { Program } from "./program.js";

/** What of the engine an observation works on. */
export interface Inside {
  readonly network: Network;
  readonly program: Program;
  readonly memory: WebAssembly.Memory;
  /** Puts the image, planes, where the first record reads it. */
  write(stage: number, input: Float32Array): void;
  /** Runs records [begin, end). */
  execute(begin: number, end: number): void;
}

/** An operation whose BatchNorm's statistics are known. */
export type Normalized = (ConvOp | BatchNormOp) & { readonly statistics: NonNullable<ConvOp["statistics"]> };

/** `values`: an operation's output before its ReLU and before a residual is added, H x W x C, channels padded to a multiple of four. */
export type Visit = (op: Normalized, values: Float32Array, shape: ValueShape) => void;

/**
 * Runs the whole network on one image, and shows what each operation with statistics makes. Returns the logits, equal to a plain
 * run's within rounding. Such an operation's record runs without ReLU and residual; both are done here afterwards.
 */
export function observe(inside: Inside, input: Float32Array, visit: Visit): Float32Array {
  const { network, program, memory } = inside;
  inside.write(0, input);
  let done = 0;
  for (const [stage, { ops }] of network.stages.entries()) {
    const names = program.steps.map((step) => (step.stage === stage ? step.name : null));
    for (const op of ops) {
      if (!("statistics" in op) || !op.statistics) continue;
      // An operation's last record is the one that stores its output.
      const index = names.lastIndexOf(op.name);
      inside.execute(done, index);
      runBare(inside, index, (values) => visit(op as Normalized, values, network.values[op.output]!));
      done = index + 1;
    }
  }
  inside.execute(done, program.steps.length);
  return new Float32Array(memory.buffer, program.outputs.at(-1)!.at, network.values[network.output]!.channels).slice();
}

function runBare(inside: Inside, index: number, look: (values: Float32Array) => void): void {
  const { buffer } = inside.memory;
  const record = new Int32Array(buffer, inside.program.recordsAt + 4 * index * Field.size, Field.size);
  const [relu, residualAt, outputAt] = [
    record[Field.relu]!,
    record[Field.residual]! >>> 0,
    record[Field.output]! >>> 0,
  ];
  const length = record[Field.outHeight]! * record[Field.outWidth]! * record[Field.outStep]!;
  const values = new Float32Array(buffer, outputAt, length);
  let residual: Float32Array | null = null;
  if (residualAt) {
    residual = new Float32Array(buffer, residualAt, length);
    // The output may lie where the residual does.
    if (residualAt === outputAt) residual = residual.slice();
  }
  record[Field.relu] = 0;
  record[Field.residual] = 0;
  try {
    inside.execute(index, index + 1);
  } finally {
    record[Field.relu] = relu;
    record[Field.residual] = residualAt;
  }
  look(values);
  if (residual) for (let at = 0; at < length; at++) values[at] = values[at]! + residual[at]!;
  if (relu) for (let at = 0; at < length; at++) if (values[at]! < 0) values[at] = 0;
}
