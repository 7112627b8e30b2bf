import { word } from "../base/words";
import { Field, IntegerAddField, PointwiseField } from "../shared/record";
import { rounded } from "./store";

/**
 * Sum of two values of bytes without a sign, NHWC: round(input * scalar + residual * factor + offset), ties to even, from 0 to `most`.
 * Pixels have whole vectors. One piece of work is one row of pixels; `outStep` counts words of four bytes.
 */
export function qs8_add(record: usize, y: i32): void {
  const bytes = (<usize>word(record, Field.outWidth) * <usize>word(record, Field.outStep)) << 2;
  const scalar = f32x4.splat(reinterpret<f32>(word(record, IntegerAddField.scalar)));
  const factor = f32x4.splat(reinterpret<f32>(word(record, IntegerAddField.factor)));
  const offset = f32x4.splat(reinterpret<f32>(word(record, IntegerAddField.offset)));
  const most = i8x16.splat(<i8>word(record, IntegerAddField.most));
  let from = <usize>word(record, Field.input) + <usize>y * bytes;
  let other = <usize>word(record, Field.residual) + <usize>y * bytes;
  let to = <usize>word(record, Field.output) + <usize>y * bytes;
  for (const end = from + bytes; from < end; from += 16) {
    const low = i16x8.narrow_i32x4_s(
      sum(from, other, scalar, factor, offset),
      sum(from + 4, other + 4, scalar, factor, offset),
    );
    const high = i16x8.narrow_i32x4_s(
      sum(from + 8, other + 8, scalar, factor, offset),
      sum(from + 12, other + 12, scalar, factor, offset),
    );
    v128.store(to, i8x16.min_u(i8x16.narrow_i16x8_u(low, high), most));
    other += 16;
    to += 16;
  }
}

/** Of four channels. */
// @ts-ignore: decorator
@inline
function sum(from: usize, other: usize, scalar: v128, factor: v128, offset: v128): v128 {
  const first = f32x4.add(f32x4.mul(fourAt(from), scalar), offset);
  return rounded(f32x4.add(first, f32x4.mul(fourAt(other), factor)));
}

// @ts-ignore: decorator
@inline
function fourAt(at: usize): v128 {
  const wide = i16x8.extend_low_i8x16_u(v128.load32_zero(at));
  return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(wide));
}

/** Fills the output's one pixel with the byte `zero`: what padding reads where that stands for zero. */
export function qs8_fill(record: usize): void {
  const bytes = <usize>word(record, Field.outStep) << 2;
  memory.fill(<usize>word(record, Field.output), <u8>word(record, PointwiseField.zero), bytes);
}
