// The inverse cosine transform of libjpeg ("islow": Loeffler, Ligtenberg and Moschytz 1989, in jidctint.c): its samples to the bit, as
// libjpeg-turbo's vectors have them. Products and sums of pairs are of 32 bits, all else of 16.

/** Factors in units of 2^-13. */
const F_0_298: i16 = 2446;
const F_0_390: i16 = 3196;
const F_0_541: i16 = 4433;
const F_0_765: i16 = 6270;
const F_0_899: i16 = 7373;
const F_1_175: i16 = 9633;
const F_1_501: i16 = 12299;
const F_1_847: i16 = 15137;
const F_1_961: i16 = 16069;
const F_2_053: i16 = 16819;
const F_2_562: i16 = 20995;
const F_3_072: i16 = 25172;

/** Between the passes there are two more bits; at the end these go, and three for the transform's own factor of 8. */
const FIRST_SHIFT: i32 = 11;
const LAST_SHIFT: i32 = 18;
const MIDDLE: i32 = 128;

// @ts-ignore: decorator
@inline
function pair(even: i16, odd: i16): v128 {
  return i16x8(even, odd, even, odd, even, odd, even, odd);
}
// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
// @ts-ignore: decorator
@inline
function low2(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 0, 4, 1, 5);
}
// @ts-ignore: decorator
@inline
function high2(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 2, 6, 3, 7);
}
// @ts-ignore: decorator
@inline
function low4(a: v128, b: v128): v128 {
  return i64x2.shuffle(a, b, 0, 2);
}
// @ts-ignore: decorator
@inline
function high4(a: v128, b: v128): v128 {
  return i64x2.shuffle(a, b, 1, 3);
}

/** Four columns (or the other four) of a pass: a sum and a difference, rounded. */
// @ts-ignore: decorator
@inline
function scaled(sum: v128, shift: i32): v128 {
  return i32x4.shr_s(i32x4.add(sum, i32x4.splat(1 << (shift - 1))), shift);
}

/** A pass over the eight rows of 16 bytes at `at`: each column is transformed. */
function pass(at: usize, shift: i32): void {
  const row0 = v128.load(at);
  const row1 = v128.load(at, 16);
  const row2 = v128.load(at, 32);
  const row3 = v128.load(at, 48);
  const row4 = v128.load(at, 64);
  const row5 = v128.load(at, 80);
  const row6 = v128.load(at, 96);
  const row7 = v128.load(at, 112);

  const zero = i16x8.splat(0);
  const sum = i16x8.add(row0, row4);
  const difference = i16x8.sub(row0, row4);
  // Times 2^13: from the upper half of 32 bits.
  const sumL = i32x4.shr_s(low(zero, sum), 3);
  const sumH = i32x4.shr_s(high(zero, sum), 3);
  const differenceL = i32x4.shr_s(low(zero, difference), 3);
  const differenceH = i32x4.shr_s(high(zero, difference), 3);
  const evenL = low(row2, row6);
  const evenH = high(row2, row6);
  const by3 = pair(F_0_541 + F_0_765, F_0_541);
  const by2 = pair(F_0_541, F_0_541 - F_1_847);
  const t3L = i32x4.dot_i16x8_s(evenL, by3);
  const t3H = i32x4.dot_i16x8_s(evenH, by3);
  const t2L = i32x4.dot_i16x8_s(evenL, by2);
  const t2H = i32x4.dot_i16x8_s(evenH, by2);
  const t10L = i32x4.add(sumL, t3L);
  const t10H = i32x4.add(sumH, t3H);
  const t13L = i32x4.sub(sumL, t3L);
  const t13H = i32x4.sub(sumH, t3H);
  const t11L = i32x4.add(differenceL, t2L);
  const t11H = i32x4.add(differenceH, t2H);
  const t12L = i32x4.sub(differenceL, t2L);
  const t12H = i32x4.sub(differenceH, t2H);

  const z3 = i16x8.add(row7, row3);
  const z4 = i16x8.add(row5, row1);
  const zL = low(z3, z4);
  const zH = high(z3, z4);
  const byZ3 = pair(F_1_175 - F_1_961, F_1_175);
  const byZ4 = pair(F_1_175, F_1_175 - F_0_390);
  const z3L = i32x4.dot_i16x8_s(zL, byZ3);
  const z3H = i32x4.dot_i16x8_s(zH, byZ3);
  const z4L = i32x4.dot_i16x8_s(zL, byZ4);
  const z4H = i32x4.dot_i16x8_s(zH, byZ4);
  const r71L = low(row7, row1);
  const r71H = high(row7, row1);
  const by0 = pair(F_0_298 - F_0_899, -F_0_899);
  const by3of1 = pair(-F_0_899, F_1_501 - F_0_899);
  const o0L = i32x4.add(i32x4.dot_i16x8_s(r71L, by0), z3L);
  const o0H = i32x4.add(i32x4.dot_i16x8_s(r71H, by0), z3H);
  const o3L = i32x4.add(i32x4.dot_i16x8_s(r71L, by3of1), z4L);
  const o3H = i32x4.add(i32x4.dot_i16x8_s(r71H, by3of1), z4H);
  const r53L = low(row5, row3);
  const r53H = high(row5, row3);
  const by1 = pair(F_2_053 - F_2_562, -F_2_562);
  const by2of3 = pair(-F_2_562, F_3_072 - F_2_562);
  const o1L = i32x4.add(i32x4.dot_i16x8_s(r53L, by1), z4L);
  const o1H = i32x4.add(i32x4.dot_i16x8_s(r53H, by1), z4H);
  const o2L = i32x4.add(i32x4.dot_i16x8_s(r53L, by2of3), z3L);
  const o2H = i32x4.add(i32x4.dot_i16x8_s(r53H, by2of3), z3H);

  put(at, i32x4.add(t10L, o3L), i32x4.add(t10H, o3H), shift);
  put(at + 112, i32x4.sub(t10L, o3L), i32x4.sub(t10H, o3H), shift);
  put(at + 16, i32x4.add(t11L, o2L), i32x4.add(t11H, o2H), shift);
  put(at + 96, i32x4.sub(t11L, o2L), i32x4.sub(t11H, o2H), shift);
  put(at + 32, i32x4.add(t12L, o1L), i32x4.add(t12H, o1H), shift);
  put(at + 80, i32x4.sub(t12L, o1L), i32x4.sub(t12H, o1H), shift);
  put(at + 48, i32x4.add(t13L, o0L), i32x4.add(t13H, o0H), shift);
  put(at + 64, i32x4.sub(t13L, o0L), i32x4.sub(t13H, o0H), shift);
}

// @ts-ignore: decorator
@inline
function put(at: usize, left: v128, right: v128, shift: i32): void {
  v128.store(at, i16x8.narrow_i32x4_s(scaled(left, shift), scaled(right, shift)));
}

/** Rows of 16-bit numbers to columns, in place. */
function transpose(at: usize): void {
  const row0 = v128.load(at);
  const row1 = v128.load(at, 16);
  const row2 = v128.load(at, 32);
  const row3 = v128.load(at, 48);
  const row4 = v128.load(at, 64);
  const row5 = v128.load(at, 80);
  const row6 = v128.load(at, 96);
  const row7 = v128.load(at, 112);
  const a0 = low(row0, row1);
  const a1 = high(row0, row1);
  const a2 = low(row2, row3);
  const a3 = high(row2, row3);
  const a4 = low(row4, row5);
  const a5 = high(row4, row5);
  const a6 = low(row6, row7);
  const a7 = high(row6, row7);
  const b0 = low2(a0, a2);
  const b1 = high2(a0, a2);
  const b2 = low2(a1, a3);
  const b3 = high2(a1, a3);
  const b4 = low2(a4, a6);
  const b5 = high2(a4, a6);
  const b6 = low2(a5, a7);
  const b7 = high2(a5, a7);
  v128.store(at, low4(b0, b4));
  v128.store(at, high4(b0, b4), 16);
  v128.store(at, low4(b1, b5), 32);
  v128.store(at, high4(b1, b5), 48);
  v128.store(at, low4(b2, b6), 64);
  v128.store(at, high4(b2, b6), 80);
  v128.store(at, low4(b3, b7), 96);
  v128.store(at, high4(b3, b7), 112);
}

/** The 64 samples of a block; its coefficients are overwritten. */
export function samples(block: usize, factors: usize, target: usize, stride: usize): void {
  for (let at: usize = 0; at < 128; at += 16) {
    v128.store(block + at, i16x8.mul(v128.load(block + at), v128.load(factors + at)));
  }
  pass(block, FIRST_SHIFT);
  transpose(block);
  pass(block, LAST_SHIFT);
  transpose(block);
  const middle = i8x16.splat(<i8>MIDDLE);
  for (let at: usize = 0; at < 128; at += 32, target += 2 * stride) {
    const rows = i8x16.add(i8x16.narrow_i16x8_s(v128.load(block + at), v128.load(block + at, 16)), middle);
    v128.store64_lane(target, rows, 0);
    v128.store64_lane(target + stride, rows, 1);
  }
}

/** The samples of a block that has no coefficient but its mean: all are equal. */
export function flat(mean: i32, target: usize, stride: usize): void {
  const value = (<i32>(<i16>(mean << 2)) + 16) >> 5;
  const sample = <u64>(max(-MIDDLE, min(MIDDLE - 1, value)) + MIDDLE);
  for (let row = 0; row < 8; row++, target += stride) store<u64>(target, sample * 0x0101010101010101);
}
