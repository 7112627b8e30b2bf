import { Field, Kernel } from "../../../assembly/shared/record.js";
import { RESERVED } from "../../../assembly/shared/sizes.js";
import { UnsupportedModelError, WasmError } from "../../errors.js";
import { needsExtended } from "../../graph/extended-op.js";
import type { ConvOp, Graph, Op, ValueId } from "../../graph/network.js";
import { ranges } from "../../graph/quantization.js";
import { boundsOf, storedIn } from "../../graph/stored.js";
import type { Kernels, Variant } from "../module.js";
import type { Drafts } from "../program/drafts.js";
import type { Integers } from "../program/program.js";
import { lowerDepthwise } from "./depthwise.js";
import { withOffsets } from "./offsets.js";
import type { Plain } from "./plain.js";
import type { Tools } from "./rounded.js";

/** Needed for networks of other makers' integers alone. */
const loadRounded = () => import("./rounded.js");

/**
 * The lowering of networks beside the plain ResNets. Throws `UnsupportedModelError` for operations that are in the extended modules alone,
 * which have no integers, and `WasmError` where a module, a caller's own say, has no depthwise convolutions of integers.
 */
export async function lowererFor(
  network: Graph,
  kernels: Kernels,
  variant: Variant,
  plain: Plain,
): Promise<Integers["lower"]> {
  const ops = network.stages.flatMap((stage) => stage.ops);
  const other = ops.find((op) => op.kind !== "conv" && !isRounding(op) && needsExtended(op));
  if (other) {
    throw new UnsupportedModelError(
      `There are no kernels for both integers and "${other.name}" with its like: load the model with precision: "f32".`,
    );
  }
  if (!hasDepthwise(kernels)) {
    throw new WasmError(
      `The given module of kernels (options.wasm) has no depthwise convolutions of integers: give cpu-${variant}.wasm, or load the model with precision: "f32".`,
    );
  }
  if (!ops.some(isRounding)) return (drafts, op) => lowerBounded(plain, drafts as Drafts, op);
  const { lowerRounded } = await loadRounded();
  return (drafts, op) => lowerRounded(tools, plain, drafts as Drafts, op);
}

const isRounding = (op: Op) => op.kind === "activation" && op.function === "quantize";

function hasDepthwise({ memory, run }: Kernels): boolean {
  // Of no pixels: it reads and writes nothing.
  const record = new Int32Array(memory.buffer, RESERVED, Field.size).fill(0);
  record[Field.kernel] = Kernel.qs8Depthwise;
  record[Field.pieces] = 1;
  try {
    run(RESERVED, 0, 1, RESERVED + record.byteLength);
    return true;
  } catch {
    return false;
  }
}

/**
 * As `lowerIntegers`, in networks beside the plain ResNets: depthwise convolutions have a kernel of their own, an activation that integers
 * do by their range becomes part of the convolution before it, and integers may have another zero than 0.
 */
export function lowerBounded(plain: Plain, drafts: Drafts, op: Op): void {
  const { network } = drafts;
  if (op.kind !== "conv") {
    const isDone = boundsOf(network).absorbed.has(op) && endsAt(drafts, op.output, boundOf(drafts, op));
    if (!isDone) plain.lowerIntegers(drafts, op);
    return;
  }
  const joined = withBound(drafts, op);
  const offset = withOffsets(drafts, joined);
  if (!lowerDepthwise(plain, drafts, offset)) plain.lowerIntegers(drafts, offset, joined);
}

/** The convolution that does what its activation does, where integers end with that. */
function withBound(drafts: Drafts, op: ConvOp): ConvOp {
  const { value, most } = storedIn(op, drafts.network);
  return value !== op.output && endsAt(drafts, value, most) ? { ...op, output: value, relu: true } : op;
}

export const tools: Tools = { lowerBounded, lowerDepthwise, withBound, withOffsets };

/** What the activation leaves at most. */
function boundOf({ network }: Drafts, activation: Op): number {
  for (const [op, bound] of boundsOf(network).of) if (bound === activation) return storedIn(op as ConvOp, network).most;
  return 0;
}

/** Whether a value is of integers, the greatest of which is not below the bound. */
function endsAt(drafts: Drafts, value: ValueId, most: number): boolean {
  const { quantization } = drafts.shape(value);
  return quantization !== undefined && most / quantization.scale > ranges[quantization.type][1] - 0.5;
}
