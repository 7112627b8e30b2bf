import { UnsupportedModelError } from "../errors.js";
import { elementCount, type Tensor } from "../tensor.js";

// Stands in for src/weights/values.ts until that is there: contiguous f32 only.
export function readRows(tensor: Tensor, begin: number, end: number, target: Float32Array): void {
  if (tensor.dtype !== "f32") throw new UnsupportedModelError(`${tensor.name} is ${tensor.dtype}`);
  const row = elementCount(tensor.shape.slice(1));
  const view = new DataView(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength);
  for (let i = 0, at = begin * row * 4; i < (end - begin) * row; i++, at += 4) target[i] = view.getFloat32(at, true);
}
