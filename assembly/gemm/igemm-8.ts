// Written by scripts/tiles.mjs: npm run tiles.
import { madd } from "../base/simd";
import { isPlain, put4x8, put6x8 } from "./store";

/**
 * f32 indirect GEMM (Dukhan 2019), tiles of 6 rows by 8 columns: C = max(A B + bias + R, least), for `rows` rows against one
 * panel of B.
 *
 * `table` has pointers to A, [block][tap][6]; each, plus `offset`, leads to `depth` contiguous elements. B is one panel,
 * [tap][depth][8]. Rows of C are `step` bytes apart, and so are those of the residual R, at C + residual bytes. Pointers of missing
 * rows repeat another row's.
 *
 * Register blocking: twelve sums, two columns and one broadcast take all fifteen vector registers that V8 leaves. Twelve chains of
 * multiply-adds hide their latency; eight only just do. Older optimisers spill here, at half of the speed.
 */
export function f32_igemm_6x8(
  table: usize,
  taps: i32,
  depth: i32,
  offset: usize,
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
  const plain = isPlain(columns, 8, residual, least);
  const tapBytes = <usize>depth << 5;
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
    let at = b;
    for (let tap = 0; tap < taps; tap++) {
      let a0 = <usize>load<u32>(table) + offset;
      let a1 = <usize>load<u32>(table, 4) + offset;
      let a2 = <usize>load<u32>(table, 8) + offset;
      let a3 = <usize>load<u32>(table, 12) + offset;
      let a4 = <usize>load<u32>(table, 16) + offset;
      let a5 = <usize>load<u32>(table, 20) + offset;
      table += 24;
      for (const end = at + tapBytes; at < end; at += 32) {
        const b0 = v128.load(at);
        const b1 = v128.load(at, 16);
        let row = v128.load32_splat(a0);
        s00 = madd(row, b0, s00);
        s01 = madd(row, b1, s01);
        row = v128.load32_splat(a1);
        s10 = madd(row, b0, s10);
        s11 = madd(row, b1, s11);
        row = v128.load32_splat(a2);
        s20 = madd(row, b0, s20);
        s21 = madd(row, b1, s21);
        row = v128.load32_splat(a3);
        s30 = madd(row, b0, s30);
        s31 = madd(row, b1, s31);
        row = v128.load32_splat(a4);
        s40 = madd(row, b0, s40);
        s41 = madd(row, b1, s41);
        row = v128.load32_splat(a5);
        s50 = madd(row, b0, s50);
        s51 = madd(row, b1, s51);
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
        a4 += 4;
        a5 += 4;
      }
    }
    put6x8(c, step, rows, residual, s00, s01, s10, s11, s20, s21, s30, s31, s40, s41, s50, s51, floor, columns, plain);
    c += 6 * step;
  }
}

/** As `f32_igemm_6x8`, tiles of 4 rows: for the rows that sixes leave over, and for optimisers that spill with six. */
export function f32_igemm_4x8(
  table: usize,
  taps: i32,
  depth: i32,
  offset: usize,
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
  const plain = isPlain(columns, 8, residual, least);
  const tapBytes = <usize>depth << 5;
  for (; rows > 0; rows -= 4) {
    let s00 = v128.load(bias);
    let s01 = v128.load(bias, 16);
    let s10 = s00;
    let s11 = s01;
    let s20 = s00;
    let s21 = s01;
    let s30 = s00;
    let s31 = s01;
    let at = b;
    for (let tap = 0; tap < taps; tap++) {
      let a0 = <usize>load<u32>(table) + offset;
      let a1 = <usize>load<u32>(table, 4) + offset;
      let a2 = <usize>load<u32>(table, 8) + offset;
      let a3 = <usize>load<u32>(table, 12) + offset;
      table += 16;
      for (const end = at + tapBytes; at < end; at += 32) {
        const b0 = v128.load(at);
        const b1 = v128.load(at, 16);
        let row = v128.load32_splat(a0);
        s00 = madd(row, b0, s00);
        s01 = madd(row, b1, s01);
        row = v128.load32_splat(a1);
        s10 = madd(row, b0, s10);
        s11 = madd(row, b1, s11);
        row = v128.load32_splat(a2);
        s20 = madd(row, b0, s20);
        s21 = madd(row, b1, s21);
        row = v128.load32_splat(a3);
        s30 = madd(row, b0, s30);
        s31 = madd(row, b1, s31);
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
      }
    }
    put4x8(c, step, rows, residual, s00, s01, s10, s11, s20, s21, s30, s31, floor, columns, plain);
    c += 4 * step;
  }
}
