import type { Graph, Op, ValueShape } from "./network.js";
import type { KindsWith } from "./op-table.js";
import { elementCount } from "./tensor.js";

/** Multiply-accumulates of an operation by its definition, for one image: those of convolutions and linear layers count. */
export function opMacs(op: Op, output: ValueShape): number {
  if ("weight" in op) return elementCount(op.weight.shape) * output.height * output.width;
  op.kind satisfies KindsWith<"macs", "none">;
  return 0;
}

/** The same of a whole network. */
export function networkMacs({ stages, values }: Graph): number {
  return stages.flatMap(({ ops }) => ops).reduce((sum, op) => sum + opMacs(op, values[op.output]!), 0);
}
