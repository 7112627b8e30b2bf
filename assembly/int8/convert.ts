import { Field, PointwiseField } from "../shared/record";
import { word } from "../base/words";
import { rounded } from "./store";

/**
 * f32 to bytes, NHWC: round(value * scalar), ties to even, between 0 (with `relu`) or -127 and `most`, 127 or 255. One piece of work is one
 * row of pixels. `zero` is added, as a float, before that. `inStep` counts f32 elements, `outStep` words of four bytes: pixels have whole
 * vectors of bytes, whose padding becomes 0.
 */
export function qs8_quantize(record: usize, y: i32): void {
  const inBytes = <usize>word(record, Field.inStep) << 2;
  const outBytes = <usize>word(record, Field.outStep) << 2;
  const width = word(record, Field.inWidth);
  const factor = f32x4.splat(reinterpret<f32>(word(record, PointwiseField.scalar)));
  const isUnsigned = word(record, Field.relu) != 0;
  const least = f32x4.splat(isUnsigned ? 0 : -127);
  const most = f32x4.splat(<f32>word(record, PointwiseField.most));
  // Networks without depthwise convolutions have no integer but 0 that stands for zero.
  const zero = f32x4.splat(DEPTHWISE ? <f32>word(record, PointwiseField.zero) : 0);
  let from = <usize>word(record, Field.input) + <usize>(y * width) * inBytes;
  let to = <usize>word(record, Field.output) + <usize>(y * width) * outBytes;
  for (let x = 0; x < width; x++) {
    const vectors = inBytes & ~63;
    for (let at: usize = 0; at < vectors; at += 64) {
      const low = i16x8.narrow_i32x4_s(whole(from + at, factor, zero, least, most), whole(from + at + 16, factor, zero, least, most));
      const high = i16x8.narrow_i32x4_s(whole(from + at + 32, factor, zero, least, most), whole(from + at + 48, factor, zero, least, most));
      v128.store(to + (at >> 2), isUnsigned ? i8x16.narrow_i16x8_u(low, high) : i8x16.narrow_i16x8_s(low, high));
    }
    if (vectors < inBytes) {
      v128.store(to + (vectors >> 2), i32x4.splat(0));
      for (let at = vectors; at < inBytes; at += 16) {
        const four = i16x8.narrow_i32x4_s(whole(from + at, factor, zero, least, most), i32x4.splat(0));
        const bytes = isUnsigned ? i8x16.narrow_i16x8_u(four, four) : i8x16.narrow_i16x8_s(four, four);
        v128.store32_lane(to + (at >> 2), bytes, 0);
      }
    }
    from += inBytes;
    to += outBytes;
  }
}

// @ts-ignore: decorator
@inline
function whole(at: usize, factor: v128, zero: v128, least: v128, most: v128): v128 {
  const scaled = f32x4.mul(v128.load(at), factor);
  const value = DEPTHWISE ? f32x4.add(scaled, zero) : scaled;
  return rounded(f32x4.pmin(f32x4.pmax(value, least), most));
}

/**
 * Bytes, without a sign with `relu`, to f32, NHWC: (value - zero) * scalar. One piece of work is one row of pixels; steps as in
 * `qs8_quantize`, the other way round.
 */
export function qs8_dequantize(record: usize, y: i32): void {
  const inBytes = <usize>word(record, Field.inStep) << 2;
  const outBytes = <usize>word(record, Field.outStep) << 2;
  const width = word(record, Field.inWidth);
  const factor = f32x4.splat(reinterpret<f32>(word(record, PointwiseField.scalar)));
  const zero = i32x4.splat(DEPTHWISE ? word(record, PointwiseField.zero) : 0);
  const isUnsigned = word(record, Field.relu) != 0;
  let from = <usize>word(record, Field.input) + <usize>(y * width) * inBytes;
  let to = <usize>word(record, Field.output) + <usize>(y * width) * outBytes;
  for (let x = 0; x < width; x++) {
    for (let at: usize = 0; at < outBytes; at += 16) {
      const bytes = v128.load32_zero(from + (at >> 2));
      const wide = isUnsigned ? i16x8.extend_low_i8x16_u(bytes) : i16x8.extend_low_i8x16_s(bytes);
      const whole = i32x4.extend_low_i16x8_s(wide);
      const four = DEPTHWISE ? i32x4.sub(whole, zero) : whole;
      v128.store(to + at, f32x4.mul(f32x4.convert_i32x4_s(four), factor));
    }
    from += inBytes;
    to += outBytes;
  }
}
