import type { Op, ValueId } from "./network.js";

/** Operations that read their input alone: a new one does not compile until it is named here, or told below. */
type ReadsOne =
  | "batchNorm"
  | "relu"
  | "activation"
  | "maxPool"
  | "averagePool"
  | "globalAveragePool"
  | "globalMaxPool"
  | "blurPool"
  | "zeroPadShortcut"
  | "linear"
  | "l2Normalize"
  | "softmax";

/** Every value that an operation reads. */
export function inputsOf(op: Op): ValueId[] {
  const summand = summandOf(op);
  return summand === null ? [op.input] : [op.input, summand];
}

/** What an operation reads beside its input, to add it. */
export function summandOf(op: Op): ValueId | null {
  if (op.kind === "conv") return op.residual;
  if (op.kind === "add") return op.other;
  op.kind satisfies ReadsOne;
  return null;
}
