import type { Network, ValueId } from "../graph/network.js";
import { keepsScale } from "../graph/quantization.js";
import { storedIn } from "../graph/stored.js";

/**
 * Values that convolutions store and that something reads as integers: a convolution or a sum, straight or by way of pools. Others
 * would be rounded for nothing.
 */
export function valuesToRound(network: Network): ReadonlySet<ValueId> {
  const ops = network.stages.flatMap((stage) => stage.ops);
  const read = new Set<ValueId>();
  // From the end: whether a pool's input is worth rounding depends on who reads the pool.
  for (const op of ops.toReversed()) {
    if (op.kind === "conv") for (const input of op.inputs) read.add(input);
    else if (op.kind === "globalAveragePool" || (keepsScale(op) && read.has(op.output))) read.add(op.inputs[0]);
  }
  const stored = ops.filter((op) => op.kind === "conv").map((op) => storedIn(op, network).value);
  return new Set(stored.filter((value) => read.has(value) && value !== network.output));
}

/** Whether a convolution would read integers and leave some. Others convert what they read, and gain nothing. */
export function computesInIntegers(network: Network): boolean {
  const ops = network.stages.flatMap((stage) => stage.ops);
  const integers = new Set(valuesToRound(network));
  for (const op of ops) if (keepsScale(op) && integers.has(op.inputs[0])) integers.add(op.output);
  return ops.some(
    (op) => op.kind === "conv" && integers.has(op.inputs[0]) && integers.has(storedIn(op, network).value),
  );
}
