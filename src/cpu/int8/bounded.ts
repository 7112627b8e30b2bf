import type { ConvOp, Op, ValueId } from "../../graph/network.js";
import { ranges } from "../../graph/quantization.js";
import { boundsOf, storedIn } from "../../graph/stored.js";
import type { Drafts } from "../program/drafts.js";
import { isDepthwise, lowerDepthwise } from "./depthwise.js";
import { lowerFloat, lowerIntegers, lowerToIntegers } from "./lower.js";

/**
 * As `lowerIntegers`, in networks beside the plain ResNets: depthwise convolutions have a kernel of their own, and an activation that
 * integers do by their range becomes part of the convolution before it.
 */
export function lowerBounded(drafts: Drafts, op: Op): void {
  const { network } = drafts;
  const { absorbed } = boundsOf(network);
  if (op.kind !== "conv") {
    // Its convolution has done it.
    if (!absorbed.has(op) || !endsAt(drafts, op.output, boundOf(drafts, op))) lowerIntegers(drafts, op);
    return;
  }
  const { value, most } = storedIn(op, network);
  const isJoined = value !== op.output && endsAt(drafts, value, most);
  const joined: ConvOp = isJoined ? { ...op, output: value, relu: true } : op;
  if (!(isDepthwise(op) ? lowerDepthwise : lowerToIntegers)(drafts, joined)) lowerFloat(drafts, joined);
}

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
