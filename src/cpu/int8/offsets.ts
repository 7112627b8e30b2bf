import type { ConvOp, IntegerRows, Vector } from "../../graph/network.js";
import { elementCount } from "../../graph/tensor.js";
import type { Drafts } from "../program/drafts.js";

/**
 * The convolution that computes on integers as they are stored what `op` does on those that they stand for: what zeros other than 0 come
 * to, in its input, its summand and its output, is in its bias. `less`: what the store adds to its output.
 */
export function withOffsets(drafts: Drafts, op: ConvOp, less = 0): ConvOp {
  const rows = op.weight.int8;
  const from = drafts.shape(op.inputs[0]).quantization;
  const to = drafts.shape(op.output).quantization;
  const summand = op.inputs[1];
  const added = summand === undefined ? undefined : drafts.shape(summand).quantization;
  if (!rows || !from || !to || !(from.zero || to.zero || added?.zero || less)) return op;
  const sums = new Float64Array(op.weight.shape[0]!);
  const offset = (to.zero ?? 0) - less - (added?.zero ?? 0) * (added ? Math.fround(added.scale / to.scale) : 0);
  const bias: Vector = {
    length: sums.length,
    needs: Math.max(op.bias?.needs ?? 0, rows.scales.needs ?? 0),
    read() {
      const scales = rows.scales.read();
      const biases = op.bias?.read();
      return sums.map((sum, channel) => {
        const factor = Math.fround((from.scale * scales[channel]!) / to.scale);
        return (biases?.[channel] ?? 0) + (offset - (from.zero ?? 0) * sum * factor) * to.scale;
      });
    },
  };
  return { ...op, weight: { ...op.weight, int8: summing(rows, op.weight.shape, sums) }, bias };
}

/** Rows that, as they are read, leave the sum of each: they are read once, and before the bias is. */
function summing(rows: IntegerRows, shape: readonly number[], sums: Float64Array): IntegerRows {
  const length = elementCount(shape.slice(1));
  return {
    scales: rows.scales,
    read(begin, end, target) {
      rows.read(begin, end, target);
      for (let row = begin; row < end; row++) {
        const at = (row - begin) * length;
        sums[row] = target.subarray(at, at + length).reduce((sum, value) => sum + value, 0);
      }
    },
  };
}
