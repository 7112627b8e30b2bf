import { contiguousStrides, elementCount, type Tensor } from "../graph/tensor.js";
import { readRows, toFloat32 } from "./values.js";

/** One number for all rows, or one for each. */
export type Affine = number | Tensor;

/**
 * What integers stand for, scale * (integer - zero point), as f32; scales and zero points are those of all values, or of each row of
 * the first axis (PyTorch's per_tensor_affine and per_channel_affine). Null where they do not fit, or are no positive, finite numbers.
 */
export function dequantized(integers: Tensor, scale: Affine, zeroPoint: Affine): Tensor | null {
  const { name, shape } = integers;
  const [rows] = shape;
  if (rows === undefined) return null;
  const count = elementCount(shape);
  const scaleOf = ofRow(scale, rows, (it) => it > 0 && Number.isFinite(it));
  const zeroPointOf = ofRow(zeroPoint, rows, Number.isInteger);
  if (!scaleOf || !zeroPointOf) return null;
  const values = new Float32Array(count);
  if (count > 0) readRows(integers, 0, rows, values);
  for (let at = 0; at < count; at++) {
    const row = Math.floor(at / (count / rows));
    values[at] = scaleOf(row) * (values[at]! - zeroPointOf(row));
  }
  return { name, dtype: "f32", shape, strides: contiguousStrides(shape), bytes: new Uint8Array(values.buffer) };
}

/** A number is not written out: a file may state billions of rows without values. */
function ofRow(of: Affine, rows: number, isRight: (value: number) => boolean): ((row: number) => number) | null {
  if (typeof of === "number") return isRight(of) ? () => of : null;
  if (of.shape.length !== 1 || of.shape[0] !== rows) return null;
  const values = toFloat32(of);
  return values.every(isRight) ? (row) => values[row]! : null;
}
