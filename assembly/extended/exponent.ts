import { madd, nmadd } from "../base/simd";
import { exp2, LOG2E } from "../pointwise/activation";

// log2(e); what rounds to whole numbers below 2^22; ln 2 in two parts; the bounds; then our own fit of (e^r - 1 - r) / r^2, r from
// -ln 2 / 2 to ln 2 / 2, from r^4 down, right within 5e-9 of e^r.
const EXP = EXTENDED ? memory.data<f32>([
  1.44269504, 12582912.0, 0.693359375, -2.12194440e-4, -87.33, 88.72, 0.0013946091, 0.0083690798, 0.041666269, 0.16666517,
  0.5, 1.0,
]) : 0;

/** e^x of four values, within 2e-7 of it; 0 below the least normal f32. */
export function exp4(x: v128): v128 {
  return exp4Inline(x);
}

/** The same for loops where a call would take a third of the time. */
// @ts-ignore: decorator
@inline
function exp4Inline(x: v128): v128 {
  const least = v128.load32_splat(EXP, 16);
  const most = v128.load32_splat(EXP, 20);
  const magic = v128.load32_splat(EXP, 4);
  const bounded = f32x4.pmin(f32x4.pmax(x, least), most);
  const rounded = madd(bounded, v128.load32_splat(EXP), magic);
  const whole = f32x4.sub(rounded, magic);
  const rest = nmadd(whole, v128.load32_splat(EXP, 12), nmadd(whole, v128.load32_splat(EXP, 8), bounded));
  let sum = madd(rest, v128.load32_splat(EXP, 24), v128.load32_splat(EXP, 28));
  sum = madd(rest, sum, v128.load32_splat(EXP, 32));
  sum = madd(rest, sum, v128.load32_splat(EXP, 36));
  sum = madd(rest, sum, v128.load32_splat(EXP, 40));
  sum = madd(f32x4.mul(rest, rest), sum, rest);
  const power = i32x4.add(f32x4.add(sum, v128.load32_splat(EXP, 44)), i32x4.shl(rounded, 23));
  const above = v128.bitselect(f32x4.splat(Infinity), power, f32x4.gt(x, most));
  // Whatever a NaN's bits became, it is one again.
  return v128.or(v128.andnot(above, f32x4.lt(x, least)), f32x4.ne(x, x));
}

/** x / (1 + e^-x). */
// @ts-ignore: decorator
@inline
export function silu4(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.mul(x, f32x4.div(one, f32x4.add(one, exp4Inline(f32x4.neg(x)))));
}

/** 1 / (1 + e^-x). */
export function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))));
}

/** x tanh(ln(1 + e^x)), which is x n / (n + 2) with n = e^x (e^x + 2). */
export function mish4(x: v128): v128 {
  const two = f32x4.splat(2);
  // From 20 on it is x.
  const power = exp4(f32x4.pmin(x, f32x4.splat(20)));
  const n = f32x4.mul(power, f32x4.add(power, two));
  return f32x4.mul(x, f32x4.div(n, f32x4.add(n, two)));
}

// Our own fit of (tanh(x) / x - 1) / x^2 in x^2 for x up to 0.625, from x^8 down, right within 9e-9 of tanh.
const TANH = EXTENDED ? memory.data<f32>([-0.0057391315, 0.020672705, -0.053751264, 0.13331601, -0.3333329]) : 0;

export function tanh4(x: v128): v128 {
  const one = f32x4.splat(1);
  const size = f32x4.abs(x);
  const square = f32x4.mul(x, x);
  let sum = madd(square, v128.load32_splat(TANH), v128.load32_splat(TANH, 4));
  sum = madd(square, sum, v128.load32_splat(TANH, 8));
  sum = madd(square, sum, v128.load32_splat(TANH, 12));
  sum = madd(square, sum, v128.load32_splat(TANH, 16));
  const near = madd(f32x4.mul(x, square), sum, x);
  const far = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(exp4(f32x4.add(size, size)), one)));
  const signed = v128.bitselect(x, far, f32x4.splat(-0.0));
  return v128.bitselect(near, signed, f32x4.lt(size, f32x4.splat(0.625)));
}

/** e^x of two values in f64, within 6e-9 of it. */
// @ts-ignore: decorator
@inline
export function exp64(x: v128): v128 {
  return exp2(f64x2.mul(x, f64x2.splat(LOG2E)));
}

/** ln((1 + s) / (1 - s)) of two values in f64 for s from -1/3 to 1/3, within 1e-9 of it: twice the series s + s^3 / 3 + s^5 / 5 ... */
function twiceArtanh(s: v128): v128 {
  const square = f64x2.mul(s, s);
  let sum = f64x2.splat(1.0 / 17);
  for (let n = 15; n > 0; n -= 2) sum = f64x2.add(f64x2.mul(sum, square), f64x2.splat(1.0 / <f64>n));
  return f64x2.mul(f64x2.add(s, s), sum);
}

const SQRT_HALF: i64 = 0x3fe6a09e667f3bcd;

/** Natural logarithms of two values in f64. Those of 0, infinity and what is below 0 are -infinity, infinity and NaN. */
export function ln64(x: v128): v128 {
  const one = f64x2.splat(1);
  // x = 2^exponent m, with m from sqrt(1/2) to sqrt(2).
  const exponent = i64x2.shr_s(i64x2.sub(x, i64x2.splat(SQRT_HALF)), 52);
  const m = i64x2.sub(x, i64x2.shl(exponent, 52));
  const magic = f64x2.splat(6755399441055744);
  const whole = f64x2.sub(i64x2.add(exponent, magic), magic);
  const rest = twiceArtanh(f64x2.div(f64x2.sub(m, one), f64x2.add(m, one)));
  let result = f64x2.add(f64x2.mul(whole, f64x2.splat(0.6931471805599453)), rest);
  const zero = f64x2.splat(0);
  result = v128.bitselect(result, f64x2.splat(NaN), f64x2.gt(x, zero));
  result = v128.bitselect(f64x2.splat(-Infinity), result, f64x2.eq(x, zero));
  return v128.bitselect(x, result, f64x2.eq(x, f64x2.splat(Infinity)));
}

/** ln(1 + e^x) of two values in f64: their larger part from x itself, so that what is next to nothing keeps its digits. */
export function softplus64(x: v128): v128 {
  const power = exp64(f64x2.neg(f64x2.abs(x)));
  const one = f64x2.splat(1);
  // 1 + power, or half of it: between 1 and sqrt(2), or from there to 1.
  const half = f64x2.gt(power, f64x2.splat(0.41421356237309503));
  const above = f64x2.sub(power, v128.and(half, one));
  const below = f64x2.add(power, v128.bitselect(f64x2.splat(3), f64x2.splat(2), half));
  const rest = f64x2.add(twiceArtanh(f64x2.div(above, below)), v128.and(half, f64x2.splat(0.6931471805599453)));
  return f64x2.add(f64x2.pmax(x, f64x2.splat(0)), rest);
}
