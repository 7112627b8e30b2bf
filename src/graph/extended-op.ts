import type { Graph, Op } from "./network.js";

/** How the names of `ExtendedOp`s begin, and no others: every page has this line. */
const kinds = /^(bi|conc|sl|pa|tr|resh|sh|no|lo)/;

/** Elementwise functions of the plain ones, but for ReLU. */
const functions = /^(leaky-relu|relu6|silu|gelu|elu)$/;

/** Whether plain modules lack a kernel for a network, or the extended ones have a far faster one. */
export const isExtended = ({ stages }: Graph): boolean => stages.some(({ ops }) => ops.some(needsExtended));

function needsExtended(op: Op): boolean {
  if (op.kind === "conv") return op.groups > 1 && op.groups === op.weight.shape[0];
  if (op.kind === "activation") return !functions.test(op.function) || (op.alpha ?? 1) !== 1;
  return kinds.test(op.kind) || ("dilation" in op && !!op.dilation) || ("logarithm" in op && !!op.logarithm);
}
