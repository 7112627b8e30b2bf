import { madd } from "./simd";
import { put8 } from "./store";

/**
 * c = max(a B + bias + from + r, least) for one row of `depth` elements and one panel of B, [depth][8]; `from`: eight sums, or 0.
 * For the row that blocks leave over: a block of four would do the work of three that are not there.
 */
export function f32_gemv_8(
  a: usize,
  depth: i32,
  b: usize,
  bias: usize,
  from: usize,
  c: usize,
  columns: i32,
  residual: usize,
  least: f32,
): void {
  // Four sums for each column, in turn: one chain of multiply-adds would wait for itself.
  let s0 = v128.load(bias);
  let s1 = v128.load(bias, 16);
  let t0 = f32x4.splat(0);
  let t1 = t0;
  let u0 = t0;
  let u1 = t0;
  let v0 = t0;
  let v1 = t0;
  if (from) {
    t0 = v128.load(from);
    t1 = v128.load(from, 16);
  }
  const end = a + (<usize>depth << 2);
  for (const fours = a + (<usize>(depth & ~3) << 2); a < fours; a += 16) {
    let row = v128.load32_splat(a);
    s0 = madd(row, v128.load(b), s0);
    s1 = madd(row, v128.load(b, 16), s1);
    row = v128.load32_splat(a, 4);
    t0 = madd(row, v128.load(b, 32), t0);
    t1 = madd(row, v128.load(b, 48), t1);
    row = v128.load32_splat(a, 8);
    u0 = madd(row, v128.load(b, 64), u0);
    u1 = madd(row, v128.load(b, 80), u1);
    row = v128.load32_splat(a, 12);
    v0 = madd(row, v128.load(b, 96), v0);
    v1 = madd(row, v128.load(b, 112), v1);
    b += 128;
  }
  for (; a < end; a += 4) {
    const row = v128.load32_splat(a);
    s0 = madd(row, v128.load(b), s0);
    s1 = madd(row, v128.load(b, 16), s1);
    b += 32;
  }
  s0 = f32x4.add(f32x4.add(s0, t0), f32x4.add(u0, v0));
  s1 = f32x4.add(f32x4.add(s1, t1), f32x4.add(u1, v1));
  put8(c, residual, s0, s1, f32x4.splat(least), columns);
}
