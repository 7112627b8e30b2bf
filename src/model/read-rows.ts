import { UnsupportedModelError } from "../errors.js";
import { elementCount, type Tensor } from "../tensor.js";

// Stands in for src/weights/values.ts until that is there.
export function readRows(tensor: Tensor, begin: number, end: number, target: Float32Array): void {
  const row = elementCount(tensor.shape.slice(1));
  const view = new DataView(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength);
  const flat = tensor.strides.every((stride) => stride === 0) ? 0 : 1;
  for (let i = 0, at = begin * row; i < (end - begin) * row; i++, at += flat) {
    if (tensor.dtype === "f32") target[i] = view.getFloat32(at * flat * 4, true);
    else if (tensor.dtype === "f16") target[i] = half(view.getUint16(at * flat * 2, true));
    else throw new UnsupportedModelError(`${tensor.name} is ${tensor.dtype}`);
  }
}

function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}
