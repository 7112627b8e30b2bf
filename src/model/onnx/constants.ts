import { ModelFormatError } from "../../errors.js";
import { bytesPerElement, contiguousStrides, type DType, elementCount, type Tensor } from "../../graph/tensor.js";
import { MAX_AXES, MAX_FOLDED_ELEMENTS } from "../../limits.js";
import { readRows } from "../../weights/values.js";
import { NeedsMore } from "./needs-more.js";
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

/** `held`: bytes of the files that the constants lie in. Weights may be computed from others in a few steps. */
export const workOf = (held: number): Work => ({ left: MAX_FOLDED_ELEMENTS + 2 * held });

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

/** What a tensor may lie in beside its own message. */
export interface Beside {
  /** The bytes of files beside the model, by location. */
  readonly external: ReadonlyMap<string, Uint8Array>;
  readonly more: Reader | null;
}

/** Where few tensors lie (`more/values.ts`). */
interface Reader {
  valuesOf(
    message: Message,
    stated: { readonly what: string; readonly type: number; readonly dtype: DType | undefined; readonly count: number },
    external: ReadonlyMap<string, Uint8Array>,
  ): readonly [DType, Uint8Array];
}

/** Throws `ModelFormatError`, `UnsupportedModelError` for a type that is not read, or `NeedsMore`. */
export function readTensor(message: Message, { external, more }: Beside, name = message.text(8)): Constant {
  const shape = message.integers(1);
  const type = message.integer(2);
  const what = `The ONNX file's tensor "${name}"`;
  const count = elementCount(shape);
  if (shape.length > MAX_AXES || shape.some((extent) => extent < 0) || !Number.isSafeInteger(count)) {
    throw new ModelFormatError(`${what} has the shape [${shape.slice(0, MAX_AXES + 1)}], which cannot be.`);
  }
  const dtype = dtypes[type];
  const [stored, bytes] =
    dtype && message.has(9) && message.integer(14) !== 1 && !message.has(3)
      ? ([dtype, message.bytesOf(9)] as const)
      : readerOf(more).valuesOf(message, { what, type, dtype, count }, external);
  if (bytes.length !== count * bytesPerElement[stored]) {
    throw new ModelFormatError(
      `${what}, [${shape}], has ${bytes.length} bytes of values; ${count * bytesPerElement[stored]} were expected.`,
    );
  }
  return { name, type, shape, dtype: stored, strides: contiguousStrides(shape), bytes };
}

function readerOf(more: Reader | null): Reader {
  if (!more) throw new NeedsMore();
  return more;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array) => new Uint8Array(buffer, byteOffset, byteLength);

/** One that was computed. */
export function computed(values: Float64Array, shape: readonly number[], type: number): Constant {
  return { name: "", type, shape, dtype: "f64", strides: contiguousStrides(shape), bytes: bytesOf(values) };
}

/** The same elements under another shape, of equal count. */
export function reshaped(constant: Constant, shape: readonly number[], work: Work): Constant {
  if (`${shape}` === `${constant.shape}`) return constant;
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
    `The ONNX graph computes more constants than ${MAX_FOLDED_ELEMENTS} and two for each byte of its tensors; export it with them folded.`,
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
