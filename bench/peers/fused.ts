import type { ActivationOp, Network, Op } from "../../src/graph/network.js";

/** An operation with the relu6 that alone reads it, where one does: other engines take both as one operation. */
export interface FusedOp {
  readonly op: Exclude<Op, ActivationOp>;
  readonly relu6: boolean;
  readonly output: number;
}

/** Throws for an activation other than that. */
export function fusedOps(network: Network): FusedOp[] {
  const fused: FusedOp[] = [];
  for (const op of network.stages.flatMap(({ ops }) => ops)) {
    if (op.kind !== "activation") {
      fused.push({ op, relu6: false, output: op.output });
      continue;
    }
    const before = fused.at(-1);
    if (op.function !== "relu6" || before?.output !== op.inputs[0]) {
      throw new Error(`${op.name}: ${op.function} is not needed by the networks that are compared`);
    }
    fused[fused.length - 1] = { ...before, relu6: true, output: op.output };
  }
  return fused;
}

/** A filter for each channel. */
export const isDepthwise = (op: Op): boolean => op.kind === "conv" && op.groups > 1 && op.groups === op.weight.shape[0];
