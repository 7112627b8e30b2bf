import type { ArrivingValues } from "./arriving.js";

export type DType = "f64" | "f32" | "f16" | "bf16" | "i64" | "i32" | "i16" | "i8" | "u8" | "bool";

export const bytesPerElement: Readonly<Record<DType, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  u8: 1,
  bool: 1,
};

/** A named array inside a weights file. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** One whose file is in memory. `bytes` is a view of the file: nothing is copied until values are read. */
export interface Tensor extends TensorInfo {
  /** Distance between neighbours along each axis, in elements. */
  readonly strides: readonly number[];
  /** Little-endian storage; element [0, 0, ...] is at byte 0. Holds at least the last element that the strides reach. */
  readonly bytes: Uint8Array;
}

/** One whose file may still be on its way: dense and row-major. */
export interface ArrivingTensor extends TensorInfo {
  readonly arrival: ArrivingValues;
  /** Its bytes, little-endian, counted from the file's first value. */
  readonly begin: number;
  readonly end: number;
}

/** What a weights file holds, whichever format it came in. */
export interface StateDict<T extends TensorInfo = Tensor> {
  readonly format: "safetensors" | "torch" | "onnx";
  readonly tensors: ReadonlyMap<string, T>;
  /** The file, where its values are still on their way. */
  readonly arrival?: ArrivingValues;
  /** Free-form strings that the file carries (safetensors `__metadata__`); empty where a format has none. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Of a format that states its graph: makes the `Network` (network.ts), by the options of `model/build.ts`. */
  readonly build?: (options: object) => object;
  /** What a reader chose or left out, in sentences; absent where there was no choice. */
  readonly notes?: readonly string[];
}

export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const extent of shape) count *= extent;
  return count;
}

export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis] as number;
  }
  return strides;
}

/** Channels are stored in multiples of four, one 128-bit vector; the padding is zero. */
export function paddedChannels(channels: number): number {
  return (channels + 3) & ~3;
}

/** Of integers, multiples of sixteen: a vector of bytes, or two of sixteen bits. */
export function paddedIntegers(channels: number): number {
  return (channels + 15) & ~15;
}

/** An activation of `pixels` pixels without the padding of its channels; a copy only where pixels must move. */
export function withoutPadding(values: Float32Array, pixels: number, channels: number): Float32Array {
  const step = values.length / pixels;
  if (step === channels || pixels === 1) return values.subarray(0, pixels * channels);
  const result = new Float32Array(pixels * channels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    result.set(values.subarray(pixel * step, pixel * step + channels), pixel * channels);
  }
  return result;
}
