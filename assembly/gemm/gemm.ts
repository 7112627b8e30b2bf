// Written by scripts/tiles.mjs: npm run tiles.
import { askForSome } from "./ahead";
import { madd } from "../base/simd";
import { isPlain, put4x16, put4x8, put6x8 } from "./store";

/**
 * f32 GEMM, tiles of 4 rows by 8 columns: C = max(A B + bias + R, least), for `rows` rows against one panel of B.
 *
 * A is in blocks of 4 rows, [depth][4], `aStep` bytes apart. B is one panel, [depth][8]. Rows of C are `step` bytes apart, and so are
 * those of the residual R, at C + residual bytes. If `from` is not 0, sums start with the values there, in rows `fromStep` bytes apart.
 * Rows beyond `rows` in the last block are computed and not stored.
 *
 * Register blocking: eight sums, two columns and four broadcasts take fourteen of the fifteen vector registers that engines leave.
 * One pointer walks each operand. Without fused multiply-adds, instruction decoding limits the loop, not arithmetic.
 */
export function f32_gemm_4x8(
  a: usize,
  aStep: usize,
  depth: i32,
  b: usize,
  bias: usize,
  from: usize,
  fromStep: usize,
  c: usize,
  step: usize,
  rows: i32,
  columns: i32,
  residual: usize,
  least: f32,
): void {
  const floor = f32x4.splat(least);
  const plain = isPlain(columns, 8, residual, least);
  const end = b + (<usize>depth << 5);
  for (; rows > 0; rows -= 4) {
    let s00 = v128.load(bias);
    let s01 = v128.load(bias, 16);
    let s10 = s00;
    let s11 = s01;
    let s20 = s00;
    let s21 = s01;
    let s30 = s00;
    let s31 = s01;
    if (from) {
      s00 = f32x4.add(s00, v128.load(from));
      s01 = f32x4.add(s01, v128.load(from, 16));
      s10 = f32x4.add(s10, v128.load(from + fromStep));
      s11 = f32x4.add(s11, v128.load(from + fromStep, 16));
      s20 = f32x4.add(s20, v128.load(from + 2 * fromStep));
      s21 = f32x4.add(s21, v128.load(from + 2 * fromStep, 16));
      s30 = f32x4.add(s30, v128.load(from + 3 * fromStep));
      s31 = f32x4.add(s31, v128.load(from + 3 * fromStep, 16));
      from += 4 * fromStep;
    }
    let walk = a;
    for (let at = b; at < end; at += 32) {
      const b0 = v128.load(at);
      const b1 = v128.load(at, 16);
      let row = v128.load32_splat(walk);
      s00 = madd(row, b0, s00);
      s01 = madd(row, b1, s01);
      row = v128.load32_splat(walk, 4);
      s10 = madd(row, b0, s10);
      s11 = madd(row, b1, s11);
      row = v128.load32_splat(walk, 8);
      s20 = madd(row, b0, s20);
      s21 = madd(row, b1, s21);
      row = v128.load32_splat(walk, 12);
      s30 = madd(row, b0, s30);
      s31 = madd(row, b1, s31);
      walk += 16;
    }
    a += aStep;
    askForSome();
    put4x8(c, step, rows, residual, s00, s01, s10, s11, s20, s21, s30, s31, floor, columns, plain);
    c += 4 * step;
  }
}

/** As `f32_gemm_4x8`, against two panels of B that lie `depth` * 32 bytes apart: see `f32_igemm_6x16` for whom. */
export function f32_gemm_4x16(
  a: usize,
  aStep: usize,
  depth: i32,
  b: usize,
  bias: usize,
  c: usize,
  step: usize,
  rows: i32,
  columns: i32,
  residual: usize,
  least: f32,
): void {
  const floor = f32x4.splat(least);
  const plain = isPlain(columns, 16, residual, least);
  const panelBytes = <usize>depth << 5;
  const end = b + panelBytes;
  for (; rows > 0; rows -= 4) {
    let s00 = v128.load(bias);
    let s01 = v128.load(bias, 16);
    let s02 = v128.load(bias, 32);
    let s03 = v128.load(bias, 48);
    let s10 = s00;
    let s11 = s01;
    let s12 = s02;
    let s13 = s03;
    let s20 = s00;
    let s21 = s01;
    let s22 = s02;
    let s23 = s03;
    let s30 = s00;
    let s31 = s01;
    let s32 = s02;
    let s33 = s03;
    let walk = a;
    for (let at = b; at < end; at += 32) {
      const b0 = v128.load(at);
      const b1 = v128.load(at, 16);
      const b2 = v128.load(at + panelBytes);
      const b3 = v128.load(at + panelBytes, 16);
      let row = v128.load32_splat(walk);
      s00 = madd(row, b0, s00);
      s01 = madd(row, b1, s01);
      s02 = madd(row, b2, s02);
      s03 = madd(row, b3, s03);
      row = v128.load32_splat(walk, 4);
      s10 = madd(row, b0, s10);
      s11 = madd(row, b1, s11);
      s12 = madd(row, b2, s12);
      s13 = madd(row, b3, s13);
      row = v128.load32_splat(walk, 8);
      s20 = madd(row, b0, s20);
      s21 = madd(row, b1, s21);
      s22 = madd(row, b2, s22);
      s23 = madd(row, b3, s23);
      row = v128.load32_splat(walk, 12);
      s30 = madd(row, b0, s30);
      s31 = madd(row, b1, s31);
      s32 = madd(row, b2, s32);
      s33 = madd(row, b3, s33);
      walk += 16;
    }
    a += aStep;
    askForSome();
    put4x16(c, step, rows, residual, s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33, floor, columns, plain);
    c += 4 * step;
  }
}

/** As `f32_gemm_4x8`, tiles of 6 rows: see `f32_igemm_6x8` for whom. */
export function f32_gemm_6x8(
  a: usize,
  aStep: usize,
  depth: i32,
  b: usize,
  bias: usize,
  from: usize,
  fromStep: usize,
  c: usize,
  step: usize,
  rows: i32,
  columns: i32,
  residual: usize,
  least: f32,
): void {
  const floor = f32x4.splat(least);
  const plain = isPlain(columns, 8, residual, least);
  const end = b + (<usize>depth << 5);
  for (; rows > 0; rows -= 6) {
    let s00 = v128.load(bias);
    let s01 = v128.load(bias, 16);
    let s10 = s00;
    let s11 = s01;
    let s20 = s00;
    let s21 = s01;
    let s30 = s00;
    let s31 = s01;
    let s40 = s00;
    let s41 = s01;
    let s50 = s00;
    let s51 = s01;
    if (from) {
      s00 = f32x4.add(s00, v128.load(from));
      s01 = f32x4.add(s01, v128.load(from, 16));
      s10 = f32x4.add(s10, v128.load(from + fromStep));
      s11 = f32x4.add(s11, v128.load(from + fromStep, 16));
      s20 = f32x4.add(s20, v128.load(from + 2 * fromStep));
      s21 = f32x4.add(s21, v128.load(from + 2 * fromStep, 16));
      s30 = f32x4.add(s30, v128.load(from + 3 * fromStep));
      s31 = f32x4.add(s31, v128.load(from + 3 * fromStep, 16));
      s40 = f32x4.add(s40, v128.load(from + 4 * fromStep));
      s41 = f32x4.add(s41, v128.load(from + 4 * fromStep, 16));
      s50 = f32x4.add(s50, v128.load(from + 5 * fromStep));
      s51 = f32x4.add(s51, v128.load(from + 5 * fromStep, 16));
      from += 6 * fromStep;
    }
    let walk = a;
    for (let at = b; at < end; at += 32) {
      const b0 = v128.load(at);
      const b1 = v128.load(at, 16);
      let row = v128.load32_splat(walk);
      s00 = madd(row, b0, s00);
      s01 = madd(row, b1, s01);
      row = v128.load32_splat(walk, 4);
      s10 = madd(row, b0, s10);
      s11 = madd(row, b1, s11);
      row = v128.load32_splat(walk, 8);
      s20 = madd(row, b0, s20);
      s21 = madd(row, b1, s21);
      row = v128.load32_splat(walk, 12);
      s30 = madd(row, b0, s30);
      s31 = madd(row, b1, s31);
      row = v128.load32_splat(walk, 16);
      s40 = madd(row, b0, s40);
      s41 = madd(row, b1, s41);
      row = v128.load32_splat(walk, 20);
      s50 = madd(row, b0, s50);
      s51 = madd(row, b1, s51);
      walk += 24;
    }
    a += aStep;
    askForSome();
    put6x8(c, step, rows, residual, s00, s01, s10, s11, s20, s21, s30, s31, s40, s41, s50, s51, floor, columns, plain);
    c += 6 * step;
  }
}
