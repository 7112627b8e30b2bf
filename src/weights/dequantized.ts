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
  const scales = perRow(scale, rows);
  const zeroPoints = perRow(zeroPoint, rows);
  if (!scales?.every((it) => it > 0 && Number.isFinite(it)) || !zeroPoints?.every(Number.isInteger)) return null;
  const values = new Float32Array(elementCount(shape));
  const row = values.length / rows;
  readRows(integers, 0, rows, values);
  for (let at = 0; at < values.length; at++) {
    const of = Math.floor(at / row);
    values[at] = scales[of]! * (values[at]! - zeroPoints[of]!);
  }
  return { name, dtype: "f32", shape, strides: contiguousStrides(shape), bytes: new Uint8Array(values.buffer) };
}

function perRow(of: Affine, rows: number): readonly number[] | null {
  if (typeof of === "number") return new Array<number>(rows).fill(of);
  return of.shape.length === 1 && of.shape[0] === rows ? Array.from(toFloat32(of)) : null;
}
