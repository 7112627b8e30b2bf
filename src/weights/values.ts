import { type ArrivingTensor, bytesPerElement, elementCount, type Tensor } from "../graph/tensor.js";

/**
 * Writes rows [begin, end) of a tensor's first axis to `target` from `offset`, dense and row-major, as f32. A contiguous
 * f32 tensor is one copy; f16 and bf16 widen exactly; f64 and integers round.
 */
export function readRows(
  tensor: Tensor | ArrivingTensor,
  begin: number,
  end: number,
  target: Float32Array,
  offset = 0,
): void {
  const { dtype, shape } = tensor;
  const rowLength = elementCount(shape.slice(1));
  const count = (end - begin) * rowLength;
  if (count <= 0) return;
  if ("arrival" in tensor) {
    readArriving(tensor, begin * rowLength, count, target, offset);
    return;
  }
  const { strides, bytes } = tensor;
  if (isContiguous(tensor)) {
    const size = bytesPerElement[dtype];
    const from = bytes.subarray(begin * rowLength * size, (begin * rowLength + count) * size);
    // As bytes: a format may put values anywhere.
    if (dtype === "f32") new Uint8Array(target.buffer, target.byteOffset + 4 * offset, 4 * count).set(from);
    else widen(dtype, new DataView(from.buffer, from.byteOffset, from.length), count, target, offset);
    return;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytesPerElement[dtype];
  const read = readers[dtype];
  const index = new Array<number>(shape.length).fill(0);
  index[0] = begin;
  for (let step = 0; step < count; step++) {
    let at = 0;
    for (let axis = 0; axis < shape.length; axis++) at += index[axis]! * strides[axis]!;
    target[offset + step] = read(view, at * size);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (axis === 0 || index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** How much of a tensor's file must be here before rows up to `end` can be read; 0 where it is in memory. */
export function bytesNeeded(tensor: Tensor | ArrivingTensor, end: number): number {
  if (!("arrival" in tensor)) return 0;
  return tensor.begin + end * elementCount(tensor.shape.slice(1)) * bytesPerElement[tensor.dtype];
}

/** `count` values from the `first` one on. */
function readArriving(
  { arrival, dtype, begin }: ArrivingTensor,
  first: number,
  count: number,
  target: Float32Array,
  offset: number,
): void {
  const size = bytesPerElement[dtype];
  const from = begin + first * size;
  if (dtype === "f32") {
    arrival.read(from, new Uint8Array(target.buffer, target.byteOffset + 4 * offset, 4 * count));
    return;
  }
  const bytes = new Uint8Array(count * size);
  arrival.read(from, bytes);
  widen(dtype, new DataView(bytes.buffer), count, target, offset);
}

function widen(dtype: Tensor["dtype"], view: DataView, count: number, target: Float32Array, offset: number): void {
  const size = bytesPerElement[dtype];
  const read = readers[dtype];
  for (let index = 0; index < count; index++) target[offset + index] = read(view, index * size);
}

/** All values of a tensor, dense and row-major; a scalar has one. */
export function toFloat32(tensor: Tensor | ArrivingTensor): Float32Array {
  const values = new Float32Array(elementCount(tensor.shape));
  if (tensor.shape.length === 0) readRows({ ...tensor, shape: [1], strides: [1] }, 0, 1, values);
  else readRows(tensor, 0, tensor.shape[0]!, values);
  return values;
}

function isContiguous({ shape, strides }: Tensor): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis]! > 1 && strides[axis] !== step) return false;
    step *= shape[axis]!;
  }
  return true;
}

const word = new Uint32Array(1);
const single = new Float32Array(word.buffer);

const readers: Readonly<Record<Tensor["dtype"], (view: DataView, at: number) => number>> = {
  f64: (view, at) => view.getFloat64(at, true),
  f32: (view, at) => view.getFloat32(at, true),
  f16: (view, at) => widenHalf(view.getUint16(at, true)),
  bf16: (view, at) => {
    word[0] = view.getUint16(at, true) << 16;
    return single[0]!;
  },
  i64: (view, at) => Number(view.getBigInt64(at, true)),
  i32: (view, at) => view.getInt32(at, true),
  i16: (view, at) => view.getInt16(at, true),
  i8: (view, at) => view.getInt8(at),
  u8: (view, at) => view.getUint8(at),
  bool: (view, at) => view.getUint8(at),
};

/** IEEE 754 binary16 to a number. */
function widenHalf(half: number): number {
  const exponent = (half >> 10) & 31;
  if (exponent > 0 && exponent < 31) {
    word[0] = ((half & 0x8000) << 16) | ((exponent + 112) << 23) | ((half & 0x3ff) << 13);
    return single[0]!;
  }
  const sign = half & 0x8000 ? -1 : 1;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
}
