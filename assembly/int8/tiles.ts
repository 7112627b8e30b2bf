// Written by scripts/tiles.mjs: npm run tiles.
import { OUTLIER_BYTES, OUTLIER_HEADER_BYTES } from "../shared/sizes";
import { put2x8 } from "./store";

/** Adds to each of four sums the product of four weights (s8) and four activations (0..127). */
// @ts-ignore: decorator
@inline
function dot(weights: v128, activations: v128, sum: v128): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(weights, activations, sum);
}

/** The same in two steps. Sums of two products are at most 2 * 128 * 127, which i16 holds. */
// @ts-ignore: decorator
@inline
function pairs(weights: v128, activations: v128, ones: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(products(weights, activations), ones));
}

/** The same of two words in five instructions. Sums of four products are at most 258 * 127, which i16 holds: see `takeOutliers`. */
// @ts-ignore: decorator
@inline
function quads(weights: v128, activations: v128, otherWeights: v128, others: v128, ones: v128, sum: v128): v128 {
  const both = i16x8.add(products(weights, activations), products(otherWeights, others));
  return i32x4.add(sum, i32x4.dot_i16x8_s(both, ones));
}

// @ts-ignore: decorator
@inline
function products(weights: v128, activations: v128): v128 {
  return i16x8.relaxed_dot_i8x16_i7x16_s(weights, activations);
}

/**
 * As `f32_igemm_6x8`, on bytes: `depth` counts words of four, and a panel is [tap][depth][8][4]. What the sums become is `put2x8`'s.
 */
export function qs8_igemm_6x8(
  table: usize,
  taps: i32,
  depth: i32,
  offset: usize,
  b: usize,
  scales: usize,
  c: usize,
  step: usize,
  rows: i32,
  columns: i32,
  residual: usize,
  factor: f32,
  least: i32,
): void {
  const tapBytes = <usize>depth << 5;
  for (; rows > 0; rows -= 6) {
    let s00 = i32x4.splat(0);
    let s01 = i32x4.splat(0);
    let s10 = i32x4.splat(0);
    let s11 = i32x4.splat(0);
    let s20 = i32x4.splat(0);
    let s21 = i32x4.splat(0);
    let s30 = i32x4.splat(0);
    let s31 = i32x4.splat(0);
    let s40 = i32x4.splat(0);
    let s41 = i32x4.splat(0);
    let s50 = i32x4.splat(0);
    let s51 = i32x4.splat(0);
    let at = b;
    for (let tap = 0; tap < taps; tap++) {
      let a0 = <usize>load<u32>(table) + offset;
      let a1 = <usize>load<u32>(table, 4) + offset;
      let a2 = <usize>load<u32>(table, 8) + offset;
      let a3 = <usize>load<u32>(table, 12) + offset;
      let a4 = <usize>load<u32>(table, 16) + offset;
      let a5 = <usize>load<u32>(table, 20) + offset;
      table += 24;
      const last = at + tapBytes - 32;
      while (true) {
        const b0 = v128.load(at);
        const b1 = v128.load(at, 16);
        let row = v128.load32_splat(a0);
        s00 = dot(b0, row, s00);
        s01 = dot(b1, row, s01);
        row = v128.load32_splat(a1);
        s10 = dot(b0, row, s10);
        s11 = dot(b1, row, s11);
        row = v128.load32_splat(a2);
        s20 = dot(b0, row, s20);
        s21 = dot(b1, row, s21);
        row = v128.load32_splat(a3);
        s30 = dot(b0, row, s30);
        s31 = dot(b1, row, s31);
        row = v128.load32_splat(a4);
        s40 = dot(b0, row, s40);
        s41 = dot(b1, row, s41);
        row = v128.load32_splat(a5);
        s50 = dot(b0, row, s50);
        s51 = dot(b1, row, s51);
        if (at == last) break;
        const d0 = v128.load(at, 32);
        const d1 = v128.load(at, 48);
        let next = v128.load32_splat(a0, 4);
        s00 = dot(d0, next, s00);
        s01 = dot(d1, next, s01);
        next = v128.load32_splat(a1, 4);
        s10 = dot(d0, next, s10);
        s11 = dot(d1, next, s11);
        next = v128.load32_splat(a2, 4);
        s20 = dot(d0, next, s20);
        s21 = dot(d1, next, s21);
        next = v128.load32_splat(a3, 4);
        s30 = dot(d0, next, s30);
        s31 = dot(d1, next, s31);
        next = v128.load32_splat(a4, 4);
        s40 = dot(d0, next, s40);
        s41 = dot(d1, next, s41);
        next = v128.load32_splat(a5, 4);
        s50 = dot(d0, next, s50);
        s51 = dot(d1, next, s51);
        a0 += 8;
        a1 += 8;
        a2 += 8;
        a3 += 8;
        a4 += 8;
        a5 += 8;
        at += 64;
        if (at > last) break;
      }
      at = last + 32;
    }
    put2x8(c, step, rows, s00, s01, s10, s11, scales, columns, residual, factor, least);
    put2x8(c + 2 * step, step, rows - 2, s20, s21, s30, s31, scales, columns, residual, factor, least);
    put2x8(c + 4 * step, step, rows - 4, s40, s41, s50, s51, scales, columns, residual, factor, least);
    c += 6 * step;
  }
}

/** As `qs8_igemm_6x8`, tiles of 4 rows. */
export function qs8_igemm_4x8(
  table: usize,
  taps: i32,
  depth: i32,
  offset: usize,
  b: usize,
  scales: usize,
  c: usize,
  step: usize,
  rows: i32,
  columns: i32,
  residual: usize,
  factor: f32,
  least: i32,
): void {
  const tapBytes = <usize>depth << 5;
  for (; rows > 0; rows -= 4) {
    let s00 = i32x4.splat(0);
    let s01 = i32x4.splat(0);
    let s10 = i32x4.splat(0);
    let s11 = i32x4.splat(0);
    let s20 = i32x4.splat(0);
    let s21 = i32x4.splat(0);
    let s30 = i32x4.splat(0);
    let s31 = i32x4.splat(0);
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
        s00 = dot(b0, row, s00);
        s01 = dot(b1, row, s01);
        row = v128.load32_splat(a1);
        s10 = dot(b0, row, s10);
        s11 = dot(b1, row, s11);
        row = v128.load32_splat(a2);
        s20 = dot(b0, row, s20);
        s21 = dot(b1, row, s21);
        row = v128.load32_splat(a3);
        s30 = dot(b0, row, s30);
        s31 = dot(b1, row, s31);
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
      }
    }
    put2x8(c, step, rows, s00, s01, s10, s11, scales, columns, residual, factor, least);
    put2x8(c + 2 * step, step, rows - 2, s20, s21, s30, s31, scales, columns, residual, factor, least);
    c += 4 * step;
  }
}

/**
 * As `qs8_igemm_4x8`, for engines that have no single instruction for `dot`: a tap's words are taken by twos, and the panel's outliers,
 * which `outliers` leads to, on their own. Where it has too many, all words are.
 */
export function qs8_igemm_4x8_quads(
  table: usize,
  taps: i32,
  depth: i32,
  offset: usize,
  b: usize,
  outliers: usize,
  scales: usize,
  c: usize,
  step: usize,
  rows: i32,
  columns: i32,
  residual: usize,
  factor: f32,
  least: i32,
): void {
  const ones = i16x8.splat(<i16>(rows > 0));
  const first = outliers + OUTLIER_HEADER_BYTES;
  const last = first + load<i32>(outliers);
  const twoBytes = last < first ? 0 : <usize>(depth >> 1) << 6;
  const tapBytes = <usize>depth << 5;
  for (; rows > 0; rows -= 4) {
    let s00 = i32x4.splat(0);
    let s01 = i32x4.splat(0);
    let s10 = i32x4.splat(0);
    let s11 = i32x4.splat(0);
    let s20 = i32x4.splat(0);
    let s21 = i32x4.splat(0);
    let s30 = i32x4.splat(0);
    let s31 = i32x4.splat(0);
    let at = b;
    for (let tap = 0; tap < taps; tap++) {
      let a0 = <usize>load<u32>(table) + offset;
      let a1 = <usize>load<u32>(table, 4) + offset;
      let a2 = <usize>load<u32>(table, 8) + offset;
      let a3 = <usize>load<u32>(table, 12) + offset;
      table += 16;
      const end = at + tapBytes;
      for (const two = at + twoBytes; at < two; at += 64) {
        const b0 = v128.load(at);
        const b1 = v128.load(at, 16);
        const d0 = v128.load(at, 32);
        const d1 = v128.load(at, 48);
        let row = v128.load32_splat(a0);
        let next = v128.load32_splat(a0, 4);
        s00 = quads(b0, row, d0, next, ones, s00);
        s01 = quads(b1, row, d1, next, ones, s01);
        row = v128.load32_splat(a1);
        next = v128.load32_splat(a1, 4);
        s10 = quads(b0, row, d0, next, ones, s10);
        s11 = quads(b1, row, d1, next, ones, s11);
        row = v128.load32_splat(a2);
        next = v128.load32_splat(a2, 4);
        s20 = quads(b0, row, d0, next, ones, s20);
        s21 = quads(b1, row, d1, next, ones, s21);
        row = v128.load32_splat(a3);
        next = v128.load32_splat(a3, 4);
        s30 = quads(b0, row, d0, next, ones, s30);
        s31 = quads(b1, row, d1, next, ones, s31);
        a0 += 8;
        a1 += 8;
        a2 += 8;
        a3 += 8;
      }
      for (; at < end; at += 32) {
        const b0 = v128.load(at);
        const b1 = v128.load(at, 16);
        let row = v128.load32_splat(a0);
        s00 = pairs(b0, row, ones, s00);
        s01 = pairs(b1, row, ones, s01);
        row = v128.load32_splat(a1);
        s10 = pairs(b0, row, ones, s10);
        s11 = pairs(b1, row, ones, s11);
        row = v128.load32_splat(a2);
        s20 = pairs(b0, row, ones, s20);
        s21 = pairs(b1, row, ones, s21);
        row = v128.load32_splat(a3);
        s30 = pairs(b0, row, ones, s30);
        s31 = pairs(b1, row, ones, s31);
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
      }
    }
    for (let at = first; at < last; at += OUTLIER_BYTES) {
      const block = table + load<i32>(at, 32);
      const from = offset + <usize>load<u32>(at, 36);
      const a0 = <usize>load<u32>(block) + from;
      const a1 = <usize>load<u32>(block, 4) + from;
      const a2 = <usize>load<u32>(block, 8) + from;
      const a3 = <usize>load<u32>(block, 12) + from;
      const b0 = v128.load(at);
      const b1 = v128.load(at, 16);
      let row = v128.load32_splat(a0);
      s00 = pairs(b0, row, ones, s00);
      s01 = pairs(b1, row, ones, s01);
      row = v128.load32_splat(a1);
      s10 = pairs(b0, row, ones, s10);
      s11 = pairs(b1, row, ones, s11);
      row = v128.load32_splat(a2);
      s20 = pairs(b0, row, ones, s20);
      s21 = pairs(b1, row, ones, s21);
      row = v128.load32_splat(a3);
      s30 = pairs(b0, row, ones, s30);
      s31 = pairs(b1, row, ones, s31);
    }
    put2x8(c, step, rows, s00, s01, s10, s11, scales, columns, residual, factor, least);
    put2x8(c + 2 * step, step, rows - 2, s20, s21, s30, s31, scales, columns, residual, factor, least);
    c += 4 * step;
  }
}

/** As `qs8_igemm_6x8`, against two panels that lie `panelBytes` apart: see `f32_igemm_6x16` for whom. */
export function qs8_igemm_6x16(
  table: usize,
  taps: i32,
  depth: i32,
  offset: usize,
  b: usize,
  panelBytes: usize,
  scales: usize,
  c: usize,
  step: usize,
  rows: i32,
  columns: i32,
  residual: usize,
  factor: f32,
  least: i32,
): void {
  const tapBytes = <usize>depth << 5;
  for (; rows > 0; rows -= 6) {
    let s00 = i32x4.splat(0);
    let s01 = i32x4.splat(0);
    let s02 = i32x4.splat(0);
    let s03 = i32x4.splat(0);
    let s10 = i32x4.splat(0);
    let s11 = i32x4.splat(0);
    let s12 = i32x4.splat(0);
    let s13 = i32x4.splat(0);
    let s20 = i32x4.splat(0);
    let s21 = i32x4.splat(0);
    let s22 = i32x4.splat(0);
    let s23 = i32x4.splat(0);
    let s30 = i32x4.splat(0);
    let s31 = i32x4.splat(0);
    let s32 = i32x4.splat(0);
    let s33 = i32x4.splat(0);
    let s40 = i32x4.splat(0);
    let s41 = i32x4.splat(0);
    let s42 = i32x4.splat(0);
    let s43 = i32x4.splat(0);
    let s50 = i32x4.splat(0);
    let s51 = i32x4.splat(0);
    let s52 = i32x4.splat(0);
    let s53 = i32x4.splat(0);
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
        s00 = dot(b0, row, s00);
        s01 = dot(b1, row, s01);
        s02 = dot(b2, row, s02);
        s03 = dot(b3, row, s03);
        row = v128.load32_splat(a1);
        s10 = dot(b0, row, s10);
        s11 = dot(b1, row, s11);
        s12 = dot(b2, row, s12);
        s13 = dot(b3, row, s13);
        row = v128.load32_splat(a2);
        s20 = dot(b0, row, s20);
        s21 = dot(b1, row, s21);
        s22 = dot(b2, row, s22);
        s23 = dot(b3, row, s23);
        row = v128.load32_splat(a3);
        s30 = dot(b0, row, s30);
        s31 = dot(b1, row, s31);
        s32 = dot(b2, row, s32);
        s33 = dot(b3, row, s33);
        row = v128.load32_splat(a4);
        s40 = dot(b0, row, s40);
        s41 = dot(b1, row, s41);
        s42 = dot(b2, row, s42);
        s43 = dot(b3, row, s43);
        row = v128.load32_splat(a5);
        s50 = dot(b0, row, s50);
        s51 = dot(b1, row, s51);
        s52 = dot(b2, row, s52);
        s53 = dot(b3, row, s53);
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
        a4 += 4;
        a5 += 4;
      }
    }
    put2x8(c, step, rows, s00, s01, s10, s11, scales, columns, residual, factor, least);
    put2x8(c + 2 * step, step, rows - 2, s20, s21, s30, s31, scales, columns, residual, factor, least);
    put2x8(c + 4 * step, step, rows - 4, s40, s41, s50, s51, scales, columns, residual, factor, least);
    put2x8(c + 8, step, rows, s02, s03, s12, s13, scales + 64, columns - 8, residual, factor, least);
    put2x8(c + 2 * step + 8, step, rows - 2, s22, s23, s32, s33, scales + 64, columns - 8, residual, factor, least);
    put2x8(c + 4 * step + 8, step, rows - 4, s42, s43, s52, s53, scales + 64, columns - 8, residual, factor, least);
    c += 6 * step;
  }
}

/** As `qs8_igemm_6x16`, tiles of 4 rows. */
export function qs8_igemm_4x16(
  table: usize,
  taps: i32,
  depth: i32,
  offset: usize,
  b: usize,
  panelBytes: usize,
  scales: usize,
  c: usize,
  step: usize,
  rows: i32,
  columns: i32,
  residual: usize,
  factor: f32,
  least: i32,
): void {
  const tapBytes = <usize>depth << 5;
  for (; rows > 0; rows -= 4) {
    let s00 = i32x4.splat(0);
    let s01 = i32x4.splat(0);
    let s02 = i32x4.splat(0);
    let s03 = i32x4.splat(0);
    let s10 = i32x4.splat(0);
    let s11 = i32x4.splat(0);
    let s12 = i32x4.splat(0);
    let s13 = i32x4.splat(0);
    let s20 = i32x4.splat(0);
    let s21 = i32x4.splat(0);
    let s22 = i32x4.splat(0);
    let s23 = i32x4.splat(0);
    let s30 = i32x4.splat(0);
    let s31 = i32x4.splat(0);
    let s32 = i32x4.splat(0);
    let s33 = i32x4.splat(0);
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
        s00 = dot(b0, row, s00);
        s01 = dot(b1, row, s01);
        s02 = dot(b2, row, s02);
        s03 = dot(b3, row, s03);
        row = v128.load32_splat(a1);
        s10 = dot(b0, row, s10);
        s11 = dot(b1, row, s11);
        s12 = dot(b2, row, s12);
        s13 = dot(b3, row, s13);
        row = v128.load32_splat(a2);
        s20 = dot(b0, row, s20);
        s21 = dot(b1, row, s21);
        s22 = dot(b2, row, s22);
        s23 = dot(b3, row, s23);
        row = v128.load32_splat(a3);
        s30 = dot(b0, row, s30);
        s31 = dot(b1, row, s31);
        s32 = dot(b2, row, s32);
        s33 = dot(b3, row, s33);
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
      }
    }
    put2x8(c, step, rows, s00, s01, s10, s11, scales, columns, residual, factor, least);
    put2x8(c + 2 * step, step, rows - 2, s20, s21, s30, s31, scales, columns, residual, factor, least);
    put2x8(c + 8, step, rows, s02, s03, s12, s13, scales + 64, columns - 8, residual, factor, least);
    put2x8(c + 2 * step + 8, step, rows - 2, s22, s23, s32, s33, scales + 64, columns - 8, residual, factor, least);
    c += 4 * step;
  }
}

/**
 * For engines without a dot product of bytes: A is gathered and widened (`gatherWide`), blocks of [depth][4][2] one behind the other, and
 * `depth` counts pairs. A panel is [depth][8][2], widened as well (`widen`).
 */
export function qs8_gemm16_4x8(
  a: usize,
  depth: i32,
  b: usize,
  scales: usize,
  c: usize,
  step: usize,
  rows: i32,
  columns: i32,
  residual: usize,
  factor: f32,
  least: i32,
): void {
  const end = b + (<usize>depth << 5);
  let walk = a;
  for (; rows > 0; rows -= 4) {
    let s00 = i32x4.splat(0);
    let s01 = i32x4.splat(0);
    let s10 = i32x4.splat(0);
    let s11 = i32x4.splat(0);
    let s20 = i32x4.splat(0);
    let s21 = i32x4.splat(0);
    let s30 = i32x4.splat(0);
    let s31 = i32x4.splat(0);
    for (let at = b; at < end; at += 32) {
      const b0 = v128.load(at);
      const b1 = v128.load(at, 16);
      let row = v128.load32_splat(walk);
      s00 = i32x4.add(s00, i32x4.dot_i16x8_s(b0, row));
      s01 = i32x4.add(s01, i32x4.dot_i16x8_s(b1, row));
      row = v128.load32_splat(walk, 4);
      s10 = i32x4.add(s10, i32x4.dot_i16x8_s(b0, row));
      s11 = i32x4.add(s11, i32x4.dot_i16x8_s(b1, row));
      row = v128.load32_splat(walk, 8);
      s20 = i32x4.add(s20, i32x4.dot_i16x8_s(b0, row));
      s21 = i32x4.add(s21, i32x4.dot_i16x8_s(b1, row));
      row = v128.load32_splat(walk, 12);
      s30 = i32x4.add(s30, i32x4.dot_i16x8_s(b0, row));
      s31 = i32x4.add(s31, i32x4.dot_i16x8_s(b1, row));
      walk += 16;
    }
    put2x8(c, step, rows, s00, s01, s10, s11, scales, columns, residual, factor, least);
    put2x8(c + 2 * step, step, rows - 2, s20, s21, s30, s31, scales, columns, residual, factor, least);
    c += 4 * step;
  }
}

/**
 * i16 GEMM, tiles of 4 rows by 8 columns: C = A B modulo 2^32, for `rows` rows, a multiple of four, against one panel of B.
 *
 * A has rows of `depth` pairs that are `aStep` bytes apart; B is [depth][8][2]; C is i32, [row][8].
 */
export function i16_gemm_4x8(
  a: usize,
  aStep: usize,
  depth: i32,
  b: usize,
  c: usize,
  rows: i32,
): void {
  const end = b + (<usize>depth << 5);
  for (; rows > 0; rows -= 4) {
    let s00 = i32x4.splat(0);
    let s01 = i32x4.splat(0);
    let s10 = i32x4.splat(0);
    let s11 = i32x4.splat(0);
    let s20 = i32x4.splat(0);
    let s21 = i32x4.splat(0);
    let s30 = i32x4.splat(0);
    let s31 = i32x4.splat(0);
    let a0 = a;
    let a1 = a0 + aStep;
    let a2 = a1 + aStep;
    let a3 = a2 + aStep;
    for (let at = b; at < end; at += 32) {
      const b0 = v128.load(at);
      const b1 = v128.load(at, 16);
      let row = v128.load32_splat(a0);
      s00 = i32x4.add(s00, i32x4.dot_i16x8_s(b0, row));
      s01 = i32x4.add(s01, i32x4.dot_i16x8_s(b1, row));
      row = v128.load32_splat(a1);
      s10 = i32x4.add(s10, i32x4.dot_i16x8_s(b0, row));
      s11 = i32x4.add(s11, i32x4.dot_i16x8_s(b1, row));
      row = v128.load32_splat(a2);
      s20 = i32x4.add(s20, i32x4.dot_i16x8_s(b0, row));
      s21 = i32x4.add(s21, i32x4.dot_i16x8_s(b1, row));
      row = v128.load32_splat(a3);
      s30 = i32x4.add(s30, i32x4.dot_i16x8_s(b0, row));
      s31 = i32x4.add(s31, i32x4.dot_i16x8_s(b1, row));
      a0 += 4;
      a1 += 4;
      a2 += 4;
      a3 += 4;
    }
    a += 4 * aStep;
    v128.store(c, s00);
    v128.store(c, s01, 16);
    v128.store(c, s10, 32);
    v128.store(c, s11, 48);
    v128.store(c, s20, 64);
    v128.store(c, s21, 80);
    v128.store(c, s30, 96);
    v128.store(c, s31, 112);
    c += 128;
  }
}

/** As `i16_gemm_4x8`, against two panels, `panelBytes` apart, to two C, `apart` bytes apart: see `f32_igemm_6x16` for whom. */
export function i16_gemm_4x16(
  a: usize,
  aStep: usize,
  depth: i32,
  b: usize,
  panelBytes: usize,
  apart: usize,
  c: usize,
  rows: i32,
): void {
  const end = b + (<usize>depth << 5);
  for (; rows > 0; rows -= 4) {
    let s00 = i32x4.splat(0);
    let s01 = i32x4.splat(0);
    let s02 = i32x4.splat(0);
    let s03 = i32x4.splat(0);
    let s10 = i32x4.splat(0);
    let s11 = i32x4.splat(0);
    let s12 = i32x4.splat(0);
    let s13 = i32x4.splat(0);
    let s20 = i32x4.splat(0);
    let s21 = i32x4.splat(0);
    let s22 = i32x4.splat(0);
    let s23 = i32x4.splat(0);
    let s30 = i32x4.splat(0);
    let s31 = i32x4.splat(0);
    let s32 = i32x4.splat(0);
    let s33 = i32x4.splat(0);
    let a0 = a;
    let a1 = a0 + aStep;
    let a2 = a1 + aStep;
    let a3 = a2 + aStep;
    for (let at = b; at < end; at += 32) {
      const b0 = v128.load(at);
      const b1 = v128.load(at, 16);
      const b2 = v128.load(at + panelBytes);
      const b3 = v128.load(at + panelBytes, 16);
      let row = v128.load32_splat(a0);
      s00 = i32x4.add(s00, i32x4.dot_i16x8_s(b0, row));
      s01 = i32x4.add(s01, i32x4.dot_i16x8_s(b1, row));
      s02 = i32x4.add(s02, i32x4.dot_i16x8_s(b2, row));
      s03 = i32x4.add(s03, i32x4.dot_i16x8_s(b3, row));
      row = v128.load32_splat(a1);
      s10 = i32x4.add(s10, i32x4.dot_i16x8_s(b0, row));
      s11 = i32x4.add(s11, i32x4.dot_i16x8_s(b1, row));
      s12 = i32x4.add(s12, i32x4.dot_i16x8_s(b2, row));
      s13 = i32x4.add(s13, i32x4.dot_i16x8_s(b3, row));
      row = v128.load32_splat(a2);
      s20 = i32x4.add(s20, i32x4.dot_i16x8_s(b0, row));
      s21 = i32x4.add(s21, i32x4.dot_i16x8_s(b1, row));
      s22 = i32x4.add(s22, i32x4.dot_i16x8_s(b2, row));
      s23 = i32x4.add(s23, i32x4.dot_i16x8_s(b3, row));
      row = v128.load32_splat(a3);
      s30 = i32x4.add(s30, i32x4.dot_i16x8_s(b0, row));
      s31 = i32x4.add(s31, i32x4.dot_i16x8_s(b1, row));
      s32 = i32x4.add(s32, i32x4.dot_i16x8_s(b2, row));
      s33 = i32x4.add(s33, i32x4.dot_i16x8_s(b3, row));
      a0 += 4;
      a1 += 4;
      a2 += 4;
      a3 += 4;
    }
    a += 4 * aStep;
    v128.store(c, s00);
    v128.store(c, s01, 16);
    v128.store(c, s10, 32);
    v128.store(c, s11, 48);
    v128.store(c, s20, 64);
    v128.store(c, s21, 80);
    v128.store(c, s30, 96);
    v128.store(c, s31, 112);
    v128.store(c + apart, s02);
    v128.store(c + apart, s03, 16);
    v128.store(c + apart, s12, 32);
    v128.store(c + apart, s13, 48);
    v128.store(c + apart, s22, 64);
    v128.store(c + apart, s23, 80);
    v128.store(c + apart, s32, 96);
    v128.store(c + apart, s33, 112);
    c += 128;
  }
}
