import { madd } from "../base/simd";
import { put8 } from "./store";

/** Panels multiplied together: two chains of multiply-adds from each are enough to hide their latency. */
export const GEMV_PANELS: i32 = 4;

/**
 * Matrix-vector product: c = max(a B + bias + from + r, least), for one row of `depth` elements and up to `GEMV_PANELS` panels of B,
 * [depth][8], `bStep` bytes apart. `from`: eight initial sums for each panel, or 0. It takes a single remaining row, of which a block of
 * four would compute three rows too many. Terms are summed in the blocks' order, so a row's values do not depend on which code took it.
 */
export function f32_gemv(
  a: usize,
  depth: i32,
  b: usize,
  bStep: usize,
  panels: i32,
  bias: usize,
  biasStep: usize,
  from: usize,
  c: usize,
  columns: i32,
  residual: usize,
  least: f32,
): void {
  // Panels that are not there repeat the first one.
  const b1 = panels > 1 ? b + bStep : b;
  const b2 = panels > 2 ? b + 2 * bStep : b;
  const b3 = panels > 3 ? b + 3 * bStep : b;
  let s00 = v128.load(bias);
  let s01 = v128.load(bias, 16);
  let s10 = v128.load(bias + biasStep);
  let s11 = v128.load(bias + biasStep, 16);
  let s20 = v128.load(bias + 2 * biasStep);
  let s21 = v128.load(bias + 2 * biasStep, 16);
  let s30 = v128.load(bias + 3 * biasStep);
  let s31 = v128.load(bias + 3 * biasStep, 16);
  if (from) {
    s00 = f32x4.add(s00, v128.load(from));
    s01 = f32x4.add(s01, v128.load(from, 16));
    s10 = f32x4.add(s10, v128.load(from, 32));
    s11 = f32x4.add(s11, v128.load(from, 48));
    s20 = f32x4.add(s20, v128.load(from, 64));
    s21 = f32x4.add(s21, v128.load(from, 80));
    s30 = f32x4.add(s30, v128.load(from, 96));
    s31 = f32x4.add(s31, v128.load(from, 112));
  }
  const end = <usize>depth << 5;
  for (let at: usize = 0; at < end; at += 32) {
    const row = v128.load32_splat(a);
    s00 = madd(row, v128.load(b + at), s00);
    s01 = madd(row, v128.load(b + at, 16), s01);
    s10 = madd(row, v128.load(b1 + at), s10);
    s11 = madd(row, v128.load(b1 + at, 16), s11);
    s20 = madd(row, v128.load(b2 + at), s20);
    s21 = madd(row, v128.load(b2 + at, 16), s21);
    s30 = madd(row, v128.load(b3 + at), s30);
    s31 = madd(row, v128.load(b3 + at, 16), s31);
    a += 4;
  }
  const floor = f32x4.splat(least);
  put8(c, residual, s00, s01, floor, columns);
  if (panels > 1) put8(c + 32, residual, s10, s11, floor, columns - 8);
  if (panels > 2) put8(c + 64, residual, s20, s21, floor, columns - 16);
  if (panels > 3) put8(c + 96, residual, s30, s31, floor, columns - 24);
}
