// Written by scripts/tiles.mjs: npm run tiles.
import { askForSome } from "./ahead";
import { madd } from "../base/simd";
import { isPlain, put4x16, put6x16 } from "./store";

/**
 * As `f32_igemm_6x8`, against two panels of B that lie `panelBytes` apart: tiles of 6 rows by 16 columns.
 *
 * For engines that fuse adjacent 128-bit operations into 256-bit ones (V8's revectorisation). Then twelve sums, two columns and one
 * broadcast of 256 bits fit the registers; elsewhere sums spill. Loads, sums and stores are written in adjacent pairs for V8 to match.
 */
export function f32_igemm_6x16(
  table: usize,
  taps: i32,
  depth: i32,
  offset: usize,
  b: usize,
  panelBytes: usize,
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
  const tapBytes = <usize>depth << 5;
  for (; rows > 0; rows -= 6) {
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
    let s40 = s00;
    let s41 = s01;
    let s42 = s02;
    let s43 = s03;
    let s50 = s00;
    let s51 = s01;
    let s52 = s02;
    let s53 = s03;
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
        const b2 = v128.load(at + panelBytes);
        const b3 = v128.load(at + panelBytes, 16);
        let row = v128.load32_splat(a0);
        s00 = madd(row, b0, s00);
        s01 = madd(row, b1, s01);
        s02 = madd(row, b2, s02);
        s03 = madd(row, b3, s03);
        row = v128.load32_splat(a1);
        s10 = madd(row, b0, s10);
        s11 = madd(row, b1, s11);
        s12 = madd(row, b2, s12);
        s13 = madd(row, b3, s13);
        row = v128.load32_splat(a2);
        s20 = madd(row, b0, s20);
        s21 = madd(row, b1, s21);
        s22 = madd(row, b2, s22);
        s23 = madd(row, b3, s23);
        row = v128.load32_splat(a3);
        s30 = madd(row, b0, s30);
        s31 = madd(row, b1, s31);
        s32 = madd(row, b2, s32);
        s33 = madd(row, b3, s33);
        row = v128.load32_splat(a4);
        s40 = madd(row, b0, s40);
        s41 = madd(row, b1, s41);
        s42 = madd(row, b2, s42);
        s43 = madd(row, b3, s43);
        row = v128.load32_splat(a5);
        s50 = madd(row, b0, s50);
        s51 = madd(row, b1, s51);
        s52 = madd(row, b2, s52);
        s53 = madd(row, b3, s53);
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
        a4 += 4;
        a5 += 4;
      }
    }
    askForSome();
    put6x16(c, step, rows, residual, s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33, s40, s41, s42, s43, s50, s51, s52, s53, floor, columns, plain);
    c += 6 * step;
  }
}

/** As `f32_igemm_6x16`, tiles of 4 rows: for the rows that sixes leave over. */
export function f32_igemm_4x16(
  table: usize,
  taps: i32,
  depth: i32,
  offset: usize,
  b: usize,
  panelBytes: usize,
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
  const tapBytes = <usize>depth << 5;
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
        const b2 = v128.load(at + panelBytes);
        const b3 = v128.load(at + panelBytes, 16);
        let row = v128.load32_splat(a0);
        s00 = madd(row, b0, s00);
        s01 = madd(row, b1, s01);
        s02 = madd(row, b2, s02);
        s03 = madd(row, b3, s03);
        row = v128.load32_splat(a1);
        s10 = madd(row, b0, s10);
        s11 = madd(row, b1, s11);
        s12 = madd(row, b2, s12);
        s13 = madd(row, b3, s13);
        row = v128.load32_splat(a2);
        s20 = madd(row, b0, s20);
        s21 = madd(row, b1, s21);
        s22 = madd(row, b2, s22);
        s23 = madd(row, b3, s23);
        row = v128.load32_splat(a3);
        s30 = madd(row, b0, s30);
        s31 = madd(row, b1, s31);
        s32 = madd(row, b2, s32);
        s33 = madd(row, b3, s33);
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
      }
    }
    askForSome();
    put4x16(c, step, rows, residual, s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33, floor, columns, plain);
    c += 4 * step;
  }
}
