import { NumericError } from "../../errors.js";
import type { Quantization, ValueShape } from "../../graph/network.js";
import { ranges } from "../../graph/quantization.js";
import { paddedChannels, paddedIntegers } from "../../graph/tensor.js";

/** A quantised value as it crosses between devices: f32, NHWC, channels padded to a multiple of four. */
export function toFloat(buffer: ArrayBufferLike, at: number, shape: ValueShape): Float32Array {
  const { channels, quantization } = shape;
  const { pixels, step, padded, integers } = layoutOf(buffer, at, shape);
  const { scale, zero = 0 } = quantization!;
  const values = new Float32Array(pixels * padded);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let c = 0; c < channels; c++) {
      values[pixel * padded + c] = (integers[pixel * step + c]! - zero) * scale;
    }
  }
  return values;
}

/** Writes such a value back, rounded to the nearest integer. */
export function fromFloat(values: Float32Array, buffer: ArrayBufferLike, at: number, shape: ValueShape): void {
  const { channels, quantization } = shape;
  const { pixels, step, padded, integers } = layoutOf(buffer, at, shape);
  const { type, scale, zero = 0 } = quantization!;
  const [least, most] = ranges[type];
  integers.fill(zero);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let c = 0; c < channels; c++) {
      const value = Math.min(most, Math.max(least, values[pixel * padded + c]! / scale + zero));
      // Adding 1.5 * 2^52 rounds to the nearest integer, ties to even.
      integers[pixel * step + c] = value + 6755399441055744 - 6755399441055744;
    }
  }
}

function layoutOf(buffer: ArrayBufferLike, at: number, { height, width, channels, quantization }: ValueShape) {
  const pixels = height * width;
  const step = paddedIntegers(channels);
  const length = pixels * step;
  const integers = integersAt(quantization!.type, buffer, at, length);
  return { pixels, step, padded: paddedChannels(channels), integers };
}

function integersAt(type: Quantization["type"], buffer: ArrayBufferLike, at: number, length: number) {
  if (type === "s16") return new Int16Array(buffer, at, length);
  return type === "u8" ? new Uint8Array(buffer, at, length) : new Int8Array(buffer, at, length);
}

/** Throws `NumericError` for an input that is not finite: integers cannot carry a NaN to the logits, where it would be seen. */
export function checkFinite(input: Float32Array): void {
  // One sum, not a test for each value: an infinity or a NaN stays in it. Of four at a time: an addition waits for the one before it.
  let sum = 0;
  let at = input.length & 3;
  for (const value of input.subarray(0, at)) sum += 0 * value;
  for (; at < input.length; at += 4) sum += 0 * (input[at]! + input[at + 1]! + input[at + 2]! + input[at + 3]!);
  if (sum === 0) return;
  at = input.findIndex((value) => !Number.isFinite(value));
  throw new NumericError(
    `Value ${at} of the input is ${input[at]}: integers have no answer to that. Pass finite values.`,
  );
}
