import { madd } from "./simd";

/**
 * f32 GEMM, tiles of 4 rows by 8 columns: C = max(A B + bias + R, least), for `rows` rows against one panel of B.
 *
 * A is in blocks of 4 rows, [depth][4], `aStep` bytes apart, B is one panel, [depth][8], C's rows are `step` bytes apart, and so are R's,
 * at C + residual bytes. A last block of fewer rows repeats the last row, and rewrites what that one wrote.
 *
 * Eight sums, two columns and four broadcasts stay in fourteen vector registers of the fifteen that engines leave us, and
 * one pointer walks each operand: without fused multiply-adds, the front end and not arithmetic is what limits the loop.
 */
export function f32_gemm_4x8(
  a: usize,
  aStep: usize,
  depth: i32,
  b: usize,
  bias: usize,
  c0: usize,
  step: usize,
  rows: i32,
  columns: i32,
  residual: usize,
  least: f32,
): void {
  const floor = f32x4.splat(least);
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
    // One element a turn: with more, optimisers gather the loads of several turns at its head, and sums spill.
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
    const c1 = rows > 1 ? c0 + step : c0;
    const c2 = rows > 2 ? c1 + step : c1;
    const c3 = rows > 3 ? c2 + step : c2;
    if (columns == 8) {
      if (residual) {
        s00 = f32x4.add(s00, v128.load(c0 + residual));
        s01 = f32x4.add(s01, v128.load(c0 + residual, 16));
        s10 = f32x4.add(s10, v128.load(c1 + residual));
        s11 = f32x4.add(s11, v128.load(c1 + residual, 16));
        s20 = f32x4.add(s20, v128.load(c2 + residual));
        s21 = f32x4.add(s21, v128.load(c2 + residual, 16));
        s30 = f32x4.add(s30, v128.load(c3 + residual));
        s31 = f32x4.add(s31, v128.load(c3 + residual, 16));
      }
      v128.store(c0, f32x4.pmax(s00, floor));
      v128.store(c0, f32x4.pmax(s01, floor), 16);
      v128.store(c1, f32x4.pmax(s10, floor));
      v128.store(c1, f32x4.pmax(s11, floor), 16);
      v128.store(c2, f32x4.pmax(s20, floor));
      v128.store(c2, f32x4.pmax(s21, floor), 16);
      v128.store(c3, f32x4.pmax(s30, floor));
      v128.store(c3, f32x4.pmax(s31, floor), 16);
    } else if (columns >= 4) {
      if (residual) {
        s00 = f32x4.add(s00, v128.load(c0 + residual));
        s10 = f32x4.add(s10, v128.load(c1 + residual));
        s20 = f32x4.add(s20, v128.load(c2 + residual));
        s30 = f32x4.add(s30, v128.load(c3 + residual));
      }
      v128.store(c0, f32x4.pmax(s00, floor));
      v128.store(c1, f32x4.pmax(s10, floor));
      v128.store(c2, f32x4.pmax(s20, floor));
      v128.store(c3, f32x4.pmax(s30, floor));
      storeLanes(c0 + 16, residual, s01, floor, columns - 4);
      storeLanes(c1 + 16, residual, s11, floor, columns - 4);
      storeLanes(c2 + 16, residual, s21, floor, columns - 4);
      storeLanes(c3 + 16, residual, s31, floor, columns - 4);
    } else {
      storeLanes(c0, residual, s00, floor, columns);
      storeLanes(c1, residual, s10, floor, columns);
      storeLanes(c2, residual, s20, floor, columns);
      storeLanes(c3, residual, s30, floor, columns);
    }
    c0 += step << 2;
  }
}

/** Stores the first `count` lanes, 0 to 3: a group whose channels are no multiple of four must not touch its neighbour's. */
function storeLanes(c: usize, residual: usize, sum: v128, floor: v128, count: i32): void {
  for (let lane = 0; lane < count; lane++) {
    let value = sum;
    if (residual) value = f32x4.add(value, v128.load32_splat(c + residual));
    store<f32>(c, f32x4.extract_lane(f32x4.pmax(value, floor), 0));
    sum = i8x16.shuffle(sum, sum, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3);
    c += 4;
  }
}
