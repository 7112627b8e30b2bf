import type { Op, ValueId } from "./network.js";
import type { KindsWith } from "./op-table.js";

/** Every value that an operation reads. */
export function inputsOf(op: Op): ValueId[] {
  const summand = summandOf(op);
  return summand === null ? [op.input] : [op.input, summand];
}

/** What an operation reads beside its input, to add it. */
export function summandOf(op: Op): ValueId | null {
  if (op.kind === "conv") return op.residual;
  if (op.kind === "add") return op.other;
  op.kind satisfies KindsWith<"summand", null>;
  return null;
}
