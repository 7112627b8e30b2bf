import type { ExtendedOp, Graph, Op } from "./network.js";

/** Every kind of `ExtendedOp`. */
const kinds: Readonly<Record<ExtendedOp["kind"], 1>> = {
  binary: 1,
  concat: 1,
  slice: 1,
  pad: 1,
  transpose: 1,
  reshape: 1,
  shuffleChannels: 1,
  normalize: 1,
  localResponse: 1,
};

/** Elementwise functions of the plain ones, but for ReLU. */
const functions = /^(leaky-relu|relu6|silu|gelu|elu)$/;

/** Whether plain modules lack a kernel for a network, or the extended ones have a far faster one. */
export const isExtended = ({ stages }: Graph): boolean => stages.some(({ ops }) => ops.some(needsExtended));

export function needsExtended(op: Op): boolean {
  if (op.kind === "conv") return op.groups > 1 && op.groups === op.weight.shape[0];
  if (op.kind === "activation") return !functions.test(op.function) || (op.alpha ?? 1) !== 1;
  return op.kind in kinds || ("dilation" in op && !!op.dilation) || ("logarithm" in op && !!op.logarithm);
}
