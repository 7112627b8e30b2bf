import { ModelFormatError, UnsupportedModelError } from "../../errors.js";
import { bytesPerElement, contiguousStrides, type DType, elementCount, type Tensor } from "../../graph/tensor.js";
import { MAX_AXES, MAX_FOLDED_ELEMENTS } from "../../limits.js";
import { readRows } from "../../weights/values.js";
import { Type } from "./proto.js";
import type { Message } from "./protobuf.js";

/** A tensor whose values are known: of the file, or computed from such. */
export interface Constant extends Tensor {
  /** ONNX's type; computed integers are stored as f64. */
  readonly type: number;
  /** Of integers that stand for floats: real = (q - zero) * scale, by the index along an axis. */
  readonly linear?: { readonly scale: Float64Array; readonly zero: Float64Array; readonly axis: number };
}

/** Elements that may still be computed while the graph is read. */
export interface Work {
  left: number;
}

export const freshWork = (): Work => ({ left: MAX_FOLDED_ELEMENTS });

const dtypes: Readonly<Record<number, DType>> = {
  [Type.float]: "f32",
  [Type.u8]: "u8",
  [Type.i8]: "i8",
  [Type.i16]: "i16",
  [Type.i32]: "i32",
  [Type.i64]: "i64",
  [Type.bool]: "bool",
  [Type.f16]: "f16",
  [Type.f64]: "f64",
  [Type.bf16]: "bf16",
};

/** Types that no reader of weights has, by their bytes. */
const unsigned: Readonly<Record<number, 2 | 4 | 8>> = { [Type.u16]: 2, [Type.u32]: 4, [Type.u64]: 8 };

/** `external`: the bytes of files beside the model, by location. Throws `ModelFormatError`, or `UnsupportedModelError` for a type that is not read. */
export function readTensor(
  message: Message,
  external: ReadonlyMap<string, Uint8Array>,
  name = message.text(8),
): Constant {
  const shape = message.integers(1);
  const type = message.integer(2);
  const what = `The ONNX file's tensor "${name}"`;
  const count = elementCount(shape);
  if (shape.length > MAX_AXES || shape.some((extent) => extent < 0) || !Number.isSafeInteger(count)) {
    throw new ModelFormatError(`${what} has the shape [${shape.slice(0, MAX_AXES + 1)}], which cannot be.`);
  }
  const dtype = dtypes[type];
  const wide = unsigned[type];
  if (!dtype && !wide) {
    throw new UnsupportedModelError(
      `${what} is of ONNX's type ${type}; f32, f64, f16, bf16, bool and whole numbers of 8 to 64 bits are read.`,
    );
  }
  if (message.has(3)) throw new UnsupportedModelError(`${what} is stored in segments, which are not read.`);
  const size = dtype ? bytesPerElement[dtype] : wide!;
  const constant = (bytes: Uint8Array, stored = dtype ?? "f64"): Constant => {
    if (bytes.length !== count * bytesPerElement[stored]) {
      throw new ModelFormatError(
        `${what}, [${shape}], has ${bytes.length} bytes of values; ${count * bytesPerElement[stored]} were expected.`,
      );
    }
    return { name, type, shape, dtype: stored, strides: contiguousStrides(shape), bytes };
  };
  const fromWide = (bytes: Uint8Array) => {
    if (bytes.length !== count * wide!) return constant(bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const read = (at: number) =>
      wide === 2
        ? view.getUint16(at, true)
        : wide === 4
          ? view.getUint32(at, true)
          : Number(view.getBigUint64(at, true));
    return constant(bytesOf(Float64Array.from({ length: count }, (_, index) => read(index * wide!))), "f64");
  };
  if (message.integer(14) === 1) {
    const entries = new Map(message.messages(13).map((it) => [it.text(1), it.text(2)]));
    const file = external.get(entries.get("location") ?? "");
    if (!file) throw new ModelFormatError(`${what} lies in "${entries.get("location")}", which was not read.`);
    const offset = Number(entries.get("offset") ?? 0);
    const length = Number(entries.get("length") ?? count * size);
    if (!(offset >= 0 && length >= 0 && offset + length <= file.length)) {
      throw new ModelFormatError(
        `${what} lies behind the end of "${entries.get("location")}" (${length} bytes from ${offset}).`,
      );
    }
    const bytes = file.subarray(offset, offset + length);
    return wide ? fromWide(bytes) : constant(bytes);
  }
  if (message.has(9) || count === 0) return wide ? fromWide(message.bytesOf(9)) : constant(message.bytesOf(9));
  if (dtype === "f32") return constant(message.fixed(4));
  if (dtype === "f64") return constant(message.fixed(10));
  // All others are written as integers.
  const whole = message.integers(type === Type.i64 ? 7 : type === Type.u32 || type === Type.u64 ? 11 : 5);
  if (dtype === "f16" || dtype === "bf16") return constant(bytesOf(Uint16Array.from(whole)));
  return constant(bytesOf(Float64Array.from(whole)), "f64");
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array | Uint16Array | Float32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** One that was computed. */
export function computed(values: Float64Array, shape: readonly number[], type: number): Constant {
  return { name: "", type, shape, dtype: "f64", strides: contiguousStrides(shape), bytes: bytesOf(values) };
}

/** The same elements under another shape, of equal count. */
export function reshaped(constant: Constant, shape: readonly number[], work: Work): Constant {
  const dense = contiguousStrides(constant.shape);
  const isDense = constant.strides.every((stride, axis) => constant.shape[axis]! < 2 || stride === dense[axis]);
  const isFill = constant.strides.every((stride, axis) => constant.shape[axis]! < 2 || stride === 0);
  if (constant.linear || !(isDense || isFill)) return computed(numbersOf(constant, work), shape, constant.type);
  return { ...constant, shape, strides: isDense ? contiguousStrides(shape) : shape.map(() => 0) };
}

export function transposed(constant: Constant, order: readonly number[]): Constant {
  const { linear } = constant;
  return {
    ...constant,
    shape: order.map((axis) => constant.shape[axis]!),
    strides: order.map((axis) => constant.strides[axis]!),
    ...(linear && { linear: { ...linear, axis: order.indexOf(linear.axis) } }),
  };
}

/** All of its values, row-major. Throws `ModelFormatError` where the graph has more to compute than is allowed. */
export function numbersOf(constant: Constant, work: Work): Float64Array {
  const count = elementCount(constant.shape);
  spend(work, count);
  const values = new Float64Array(count);
  if (count === 0) return values;
  const rows = constant.shape.length === 0 ? { ...constant, shape: [1], strides: [1] } : constant;
  readConstant(rows, 0, rows.shape[0]!, values);
  return values;
}

export function spend(work: Work, elements: number): void {
  work.left -= elements;
  if (work.left >= 0) return;
  throw new ModelFormatError(
    `The ONNX graph computes more than ${MAX_FOLDED_ELEMENTS} constants from others; export it with its constants folded.`,
  );
}

/** Rows [begin, end) of its first axis, as `readRows`. */
export function readConstant(
  constant: Constant,
  begin: number,
  end: number,
  target: Float32Array | Float64Array,
): void {
  if (constant.dtype === "f32" && target instanceof Float64Array) {
    const single = new Float32Array(elementCount(constant.shape.slice(1)) * (end - begin));
    readRows(constant, begin, end, single);
    target.set(single);
  } else {
    readRows(constant, begin, end, target as Float32Array);
  }
  const { linear, shape } = constant;
  if (!linear) return;
  const inner = elementCount(shape.slice(linear.axis + 1));
  const extent = shape[linear.axis] ?? 1;
  const first = linear.axis === 0 ? begin : 0;
  const count = (end - begin) * elementCount(shape.slice(1));
  for (let at = 0; at < count; at++) {
    const index = linear.scale.length === 1 ? 0 : first + (Math.floor(at / inner) % extent);
    target[at] = (target[at]! - linear.zero[index]!) * linear.scale[index]!;
  }
}
