import { word } from "../base/words";
import { NO_RESIDUAL } from "../gemm/store";
import { Field, ReluBit } from "../shared/record";

/** f32(sum) * scale + bias. Product and sum are rounded to f32 on their own: fused they would differ from engine to engine. */
// @ts-ignore: decorator
@inline
export function scaled(sum: v128, scale: v128, bias: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sum), scale), bias);
}

/**
 * Four f32 to the nearest integers, ties to even. A float of 1.5 * 2^23 has no fraction, so that adding it rounds; its bits are then
 * taken away. The values must lie within 2^22: packing checks that of sums, and other callers clamp first.
 */
// @ts-ignore: decorator
@inline
export function rounded(value: v128): v128 {
  return i32x4.sub(f32x4.add(value, f32x4.splat(12582912)), i32x4.splat(0x4b400000));
}

/**
 * As `rounded`, in two instructions and without constants: engines make those anew for every use, in three instructions. For values that
 * a store has, which lie within 2^22.
 */
// @ts-ignore: decorator
@inline
function nearest(value: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i32x4.relaxed_trunc_f32x4_s(f32x4.nearest(value)) : rounded(value);
}

/**
 * A shuffle of eight bytes to the tops of two vectors of i32, where they keep a sign, as indices of bytes; 0x80 gives zero. Read from one
 * place on, it has bytes without a sign below the tops.
 */
const PLACES = memory.data<u32>([
  0x00808080, 0x01808080, 0x02808080, 0x03808080, 0x04808080, 0x05808080, 0x06808080, 0x07808080, 0x80,
]);
/** Those of the summands of this thread's present record: a word that all stores share needs no parameter of the tiles. */
let summandPlaces: usize = PLACES;
/** What is changed of every byte that is stored: 0..255 is computed as -128..127, whose sign bit is then the other one. */
let flips: i8 = 0;

/** The least integer that a record stores; takes note of its summand's kind. */
export function leastOfIntegers(record: usize): i32 {
  const relu = word(record, Field.relu);
  summandPlaces = relu & ReluBit.isUnsigned ? PLACES + 1 : PLACES;
  if (DEPTHWISE) {
    flips = relu & ReluBit.isByte ? -128 : 0;
    if (flips) return -128;
  }
  return relu & ReluBit.isZero ? 0 : -127;
}

/**
 * Eight sums of a row as i16: round(f32(sum) * scale + bias + f32(residual) * factor), or the nearest that i16 has. `at`: where they are
 * stored, which their residual is `residual` bytes from. `factor` is of residuals in their places: 2^-24 of what it is of bytes, or 2^-16,
 * which rounds alike.
 */
// @ts-ignore: decorator
@inline
function requantized(
  s0: v128, s1: v128,
  scales: usize,
  at: usize,
  residual: usize,
  factor: f32,
): v128 {
  let y0 = scaled(s0, v128.load(scales), v128.load(scales, 32));
  let y1 = scaled(s1, v128.load(scales, 16), v128.load(scales, 48));
  if (residual != NO_RESIDUAL) {
    const summand = v128.load64_zero(at + residual);
    const times = f32x4.splat(factor);
    y0 = f32x4.add(y0, f32x4.mul(f32x4.convert_i32x4_s(placed(summand, v128.load(summandPlaces))), times));
    y1 = f32x4.add(y1, f32x4.mul(f32x4.convert_i32x4_s(placed(summand, v128.load(summandPlaces, 16))), times));
  }
  return i16x8.narrow_i32x4_s(nearest(y0), nearest(y1));
}

/** Places of 128 and beyond are zero in either instruction. */
// @ts-ignore: decorator
@inline
function placed(bytes: v128, places: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(bytes, places) : i8x16.swizzle(bytes, places);
}

/** Two rows of i16 as they are stored: between `least` and 127, where narrowing ends, and flipped. */
// @ts-ignore: decorator
@inline
function narrowed(row0: v128, row1: v128, least: i32): v128 {
  const bytes = i8x16.max_s(i8x16.narrow_i16x8_s(row0, row1), i8x16.splat(<i8>least));
  return DEPTHWISE ? v128.xor(bytes, i8x16.splat(flips)) : bytes;
}

/** Stores eight sums of neighbouring channels, without a residual, between `least` and 127. */
// @ts-ignore: decorator
@inline
export function put8(to: usize, s0: v128, s1: v128, scales: usize, least: i32): void {
  const y0 = rounded(scaled(s0, v128.load(scales), v128.load(scales, 32)));
  const y1 = rounded(scaled(s1, v128.load(scales, 16), v128.load(scales, 48)));
  const wide = i16x8.narrow_i32x4_s(y0, y1);
  v128.store64_lane(to, narrowed(wide, wide, least), 0);
}

/** Stores two rows of eight sums, `step` bytes apart, or the first `rows` of them, of each the first `columns`. */
// @ts-ignore: decorator
@inline
export function put2x8(
  c: usize,
  step: usize,
  rows: i32,
  s00: v128, s01: v128,
  s10: v128, s11: v128,
  scales: usize,
  columns: i32,
  residual: usize,
  factor: f32,
  least: i32,
): void {
  if (rows < 2 || columns < 8) {
    putPart(c, step, rows, s00, s01, s10, s11, scales, columns, residual, factor, least);
    return;
  }
  const both = narrowed(
    requantized(s00, s01, scales, c, residual, factor),
    requantized(s10, s11, scales, c + step, residual, factor),
    least,
  );
  v128.store64_lane(c, both, 0);
  v128.store64_lane(c + step, both, 1);
}

/** As `put2x8`, where a row or columns are missing: out of line, so that tiles stay small. */
function putPart(
  c: usize,
  step: usize,
  rows: i32,
  s00: v128, s01: v128,
  s10: v128, s11: v128,
  scales: usize,
  columns: i32,
  residual: usize,
  factor: f32,
  least: i32,
): void {
  if (rows > 0) putSome(c, s00, s01, scales, columns, residual, factor, least);
  if (rows > 1) putSome(c + step, s10, s11, scales, columns, residual, factor, least);
}

/** Stores a row of eight sums, or the first `columns` of them. Reads eight bytes of residual. */
function putSome(
  c: usize,
  s0: v128, s1: v128,
  scales: usize,
  columns: i32,
  residual: usize,
  factor: f32,
  least: i32,
): void {
  const wide = requantized(s0, s1, scales, c, residual, factor);
  let bytes = <u64>i64x2.extract_lane(narrowed(wide, wide, least), 0);
  if (columns >= 8) {
    store<u64>(c, bytes);
    return;
  }
  for (; columns > 0; columns--) {
    store<u8>(c++, <u8>bytes);
    bytes >>= 8;
  }
}
