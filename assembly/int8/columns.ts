// Written by scripts/tiles.mjs: npm run tiles.
import { put8 } from "./store";

/**
 * One output row of eight channels, column by column of the input: each column's rows are put side by side once, and added to the sums of
 * every output column whose window it is in. A sum is stored as soon as its window is over.
 *
 * `r0` and its like are the rows of the window where their first column begins; columns from -`pad` on that the image has not count as
 * zeros. Weights are [column][rows in fours][8][4], without a row there is as 0; of the wide ones [column][rows in pairs][8][2].
 */
export function columns3s1(
  r0: usize,
  r1: usize,
  r2: usize,
  pixelBytes: usize,
  inWidth: i32,
  outWidth: i32,
  pad: i32,
  weights: usize,
  scales: usize,
  to: usize,
  toStep: usize,
  least: i32,
): void {
  const w00 = v128.load(weights);
  const w01 = v128.load(weights, 16);
  const w10 = v128.load(weights, 32);
  const w11 = v128.load(weights, 48);
  const w20 = v128.load(weights, 64);
  const w21 = v128.load(weights, 80);
  let s0a = i32x4.splat(0);
  let s0b = i32x4.splat(0);
  let s1a = i32x4.splat(0);
  let s1b = i32x4.splat(0);
  let s2a = i32x4.splat(0);
  let s2b = i32x4.splat(0);
  let at: usize = 0;
  let x = -pad;
  for (let ending = -2; ending < outWidth; ending++) {
    if (<u32>x < <u32>inWidth) {
      const p0 = i8x16.shuffle(v128.load64_zero(r0 + at), v128.load64_zero(r1 + at), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const p2 = v128.load8x8_u(r2 + at);
      const v0 = i16x8.shuffle(p0, p2, 0, 8, 1, 9, 2, 10, 3, 11);
      const v1 = i16x8.shuffle(p0, p2, 4, 12, 5, 13, 6, 14, 7, 15);
      s0a = i32x4.relaxed_dot_i8x16_i7x16_add_s(w20, v0, s0a);
      s0b = i32x4.relaxed_dot_i8x16_i7x16_add_s(w21, v1, s0b);
      s1a = i32x4.relaxed_dot_i8x16_i7x16_add_s(w10, v0, s1a);
      s1b = i32x4.relaxed_dot_i8x16_i7x16_add_s(w11, v1, s1b);
      s2a = i32x4.relaxed_dot_i8x16_i7x16_add_s(w00, v0, s2a);
      s2b = i32x4.relaxed_dot_i8x16_i7x16_add_s(w01, v1, s2b);
      at += pixelBytes;
    }
    x++;
    if (ending >= 0) {
      put8(to, s0a, s0b, scales, least);
      to += toStep;
    }
    s0a = s1a;
    s0b = s1b;
    s1a = s2a;
    s1b = s2b;
    s2a = i32x4.splat(0);
    s2b = i32x4.splat(0);
  }
}

export function columns3s2(
  r0: usize,
  r1: usize,
  r2: usize,
  pixelBytes: usize,
  inWidth: i32,
  outWidth: i32,
  pad: i32,
  weights: usize,
  scales: usize,
  to: usize,
  toStep: usize,
  least: i32,
): void {
  const w00 = v128.load(weights);
  const w01 = v128.load(weights, 16);
  const w10 = v128.load(weights, 32);
  const w11 = v128.load(weights, 48);
  const w20 = v128.load(weights, 64);
  const w21 = v128.load(weights, 80);
  let s0a = i32x4.splat(0);
  let s0b = i32x4.splat(0);
  let s1a = i32x4.splat(0);
  let s1b = i32x4.splat(0);
  let at: usize = 0;
  let x = -pad;
  for (let ending = -1; ending < outWidth; ending++) {
    if (<u32>x < <u32>inWidth) {
      const p0 = i8x16.shuffle(v128.load64_zero(r0 + at), v128.load64_zero(r1 + at), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const p2 = v128.load8x8_u(r2 + at);
      const v0 = i16x8.shuffle(p0, p2, 0, 8, 1, 9, 2, 10, 3, 11);
      const v1 = i16x8.shuffle(p0, p2, 4, 12, 5, 13, 6, 14, 7, 15);
      s0a = i32x4.relaxed_dot_i8x16_i7x16_add_s(w20, v0, s0a);
      s0b = i32x4.relaxed_dot_i8x16_i7x16_add_s(w21, v1, s0b);
      s1a = i32x4.relaxed_dot_i8x16_i7x16_add_s(w00, v0, s1a);
      s1b = i32x4.relaxed_dot_i8x16_i7x16_add_s(w01, v1, s1b);
      at += pixelBytes;
    }
    x++;
    if (ending >= 0) {
      put8(to, s0a, s0b, scales, least);
      to += toStep;
    }
    if (<u32>x < <u32>inWidth) {
      const p0 = i8x16.shuffle(v128.load64_zero(r0 + at), v128.load64_zero(r1 + at), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const p2 = v128.load8x8_u(r2 + at);
      const v0 = i16x8.shuffle(p0, p2, 0, 8, 1, 9, 2, 10, 3, 11);
      const v1 = i16x8.shuffle(p0, p2, 4, 12, 5, 13, 6, 14, 7, 15);
      s1a = i32x4.relaxed_dot_i8x16_i7x16_add_s(w10, v0, s1a);
      s1b = i32x4.relaxed_dot_i8x16_i7x16_add_s(w11, v1, s1b);
      at += pixelBytes;
    }
    x++;
    s0a = s1a;
    s0b = s1b;
    s1a = i32x4.splat(0);
    s1b = i32x4.splat(0);
  }
}

export function columns5s1(
  r0: usize,
  r1: usize,
  r2: usize,
  r3: usize,
  r4: usize,
  pixelBytes: usize,
  inWidth: i32,
  outWidth: i32,
  pad: i32,
  weights: usize,
  scales: usize,
  to: usize,
  toStep: usize,
  least: i32,
): void {
  let s0a = i32x4.splat(0);
  let s0b = i32x4.splat(0);
  let s1a = i32x4.splat(0);
  let s1b = i32x4.splat(0);
  let s2a = i32x4.splat(0);
  let s2b = i32x4.splat(0);
  let s3a = i32x4.splat(0);
  let s3b = i32x4.splat(0);
  let s4a = i32x4.splat(0);
  let s4b = i32x4.splat(0);
  let at: usize = 0;
  let x = -pad;
  for (let ending = -4; ending < outWidth; ending++) {
    if (<u32>x < <u32>inWidth) {
      const p0 = i8x16.shuffle(v128.load64_zero(r0 + at), v128.load64_zero(r1 + at), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const p2 = i8x16.shuffle(v128.load64_zero(r2 + at), v128.load64_zero(r3 + at), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const p4 = v128.load8x8_u(r4 + at);
      const v0 = i16x8.shuffle(p0, p2, 0, 8, 1, 9, 2, 10, 3, 11);
      const v1 = i16x8.shuffle(p0, p2, 4, 12, 5, 13, 6, 14, 7, 15);
      const v2 = i32x4.extend_low_i16x8_u(p4);
      const v3 = i32x4.extend_high_i16x8_u(p4);
      s0a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 256), v0, s0a);
      s0b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 272), v1, s0b);
      s0a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 288), v2, s0a);
      s0b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 304), v3, s0b);
      s1a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 192), v0, s1a);
      s1b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 208), v1, s1b);
      s1a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 224), v2, s1a);
      s1b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 240), v3, s1b);
      s2a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 128), v0, s2a);
      s2b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 144), v1, s2b);
      s2a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 160), v2, s2a);
      s2b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 176), v3, s2b);
      s3a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 64), v0, s3a);
      s3b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 80), v1, s3b);
      s3a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 96), v2, s3a);
      s3b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 112), v3, s3b);
      s4a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights), v0, s4a);
      s4b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 16), v1, s4b);
      s4a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 32), v2, s4a);
      s4b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 48), v3, s4b);
      at += pixelBytes;
    }
    x++;
    if (ending >= 0) {
      put8(to, s0a, s0b, scales, least);
      to += toStep;
    }
    s0a = s1a;
    s0b = s1b;
    s1a = s2a;
    s1b = s2b;
    s2a = s3a;
    s2b = s3b;
    s3a = s4a;
    s3b = s4b;
    s4a = i32x4.splat(0);
    s4b = i32x4.splat(0);
  }
}

export function columns5s2(
  r0: usize,
  r1: usize,
  r2: usize,
  r3: usize,
  r4: usize,
  pixelBytes: usize,
  inWidth: i32,
  outWidth: i32,
  pad: i32,
  weights: usize,
  scales: usize,
  to: usize,
  toStep: usize,
  least: i32,
): void {
  let s0a = i32x4.splat(0);
  let s0b = i32x4.splat(0);
  let s1a = i32x4.splat(0);
  let s1b = i32x4.splat(0);
  let s2a = i32x4.splat(0);
  let s2b = i32x4.splat(0);
  let at: usize = 0;
  let x = -pad;
  for (let ending = -2; ending < outWidth; ending++) {
    if (<u32>x < <u32>inWidth) {
      const p0 = i8x16.shuffle(v128.load64_zero(r0 + at), v128.load64_zero(r1 + at), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const p2 = i8x16.shuffle(v128.load64_zero(r2 + at), v128.load64_zero(r3 + at), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const p4 = v128.load8x8_u(r4 + at);
      const v0 = i16x8.shuffle(p0, p2, 0, 8, 1, 9, 2, 10, 3, 11);
      const v1 = i16x8.shuffle(p0, p2, 4, 12, 5, 13, 6, 14, 7, 15);
      const v2 = i32x4.extend_low_i16x8_u(p4);
      const v3 = i32x4.extend_high_i16x8_u(p4);
      s0a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 256), v0, s0a);
      s0b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 272), v1, s0b);
      s0a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 288), v2, s0a);
      s0b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 304), v3, s0b);
      s1a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 128), v0, s1a);
      s1b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 144), v1, s1b);
      s1a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 160), v2, s1a);
      s1b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 176), v3, s1b);
      s2a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights), v0, s2a);
      s2b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 16), v1, s2b);
      s2a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 32), v2, s2a);
      s2b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 48), v3, s2b);
      at += pixelBytes;
    }
    x++;
    if (ending >= 0) {
      put8(to, s0a, s0b, scales, least);
      to += toStep;
    }
    if (<u32>x < <u32>inWidth) {
      const p0 = i8x16.shuffle(v128.load64_zero(r0 + at), v128.load64_zero(r1 + at), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const p2 = i8x16.shuffle(v128.load64_zero(r2 + at), v128.load64_zero(r3 + at), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const p4 = v128.load8x8_u(r4 + at);
      const v0 = i16x8.shuffle(p0, p2, 0, 8, 1, 9, 2, 10, 3, 11);
      const v1 = i16x8.shuffle(p0, p2, 4, 12, 5, 13, 6, 14, 7, 15);
      const v2 = i32x4.extend_low_i16x8_u(p4);
      const v3 = i32x4.extend_high_i16x8_u(p4);
      s1a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 192), v0, s1a);
      s1b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 208), v1, s1b);
      s1a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 224), v2, s1a);
      s1b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 240), v3, s1b);
      s2a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 64), v0, s2a);
      s2b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 80), v1, s2b);
      s2a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 96), v2, s2a);
      s2b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 112), v3, s2b);
      at += pixelBytes;
    }
    x++;
    s0a = s1a;
    s0b = s1b;
    s1a = s2a;
    s1b = s2b;
    s2a = i32x4.splat(0);
    s2b = i32x4.splat(0);
  }
}

export function columns3s1wide(
  r0: usize,
  r1: usize,
  r2: usize,
  pixelBytes: usize,
  inWidth: i32,
  outWidth: i32,
  pad: i32,
  weights: usize,
  scales: usize,
  to: usize,
  toStep: usize,
  least: i32,
): void {
  let s0a = i32x4.splat(0);
  let s0b = i32x4.splat(0);
  let s1a = i32x4.splat(0);
  let s1b = i32x4.splat(0);
  let s2a = i32x4.splat(0);
  let s2b = i32x4.splat(0);
  let at: usize = 0;
  let x = -pad;
  for (let ending = -2; ending < outWidth; ending++) {
    if (<u32>x < <u32>inWidth) {
      const a0 = v128.load8x8_u(r0 + at);
      const a1 = v128.load8x8_u(r1 + at);
      const a2 = v128.load8x8_u(r2 + at);
      const v0 = i16x8.shuffle(a0, a1, 0, 8, 1, 9, 2, 10, 3, 11);
      const v1 = i16x8.shuffle(a0, a1, 4, 12, 5, 13, 6, 14, 7, 15);
      const v2 = i32x4.extend_low_i16x8_u(a2);
      const v3 = i32x4.extend_high_i16x8_u(a2);
      s0a = i32x4.add(s0a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 64), v0));
      s0b = i32x4.add(s0b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 72), v1));
      s0a = i32x4.add(s0a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 80), v2));
      s0b = i32x4.add(s0b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 88), v3));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 32), v0));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 40), v1));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 48), v2));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 56), v3));
      s2a = i32x4.add(s2a, i32x4.dot_i16x8_s(v128.load8x8_s(weights), v0));
      s2b = i32x4.add(s2b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 8), v1));
      s2a = i32x4.add(s2a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 16), v2));
      s2b = i32x4.add(s2b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 24), v3));
      at += pixelBytes;
    }
    x++;
    if (ending >= 0) {
      put8(to, s0a, s0b, scales, least);
      to += toStep;
    }
    s0a = s1a;
    s0b = s1b;
    s1a = s2a;
    s1b = s2b;
    s2a = i32x4.splat(0);
    s2b = i32x4.splat(0);
  }
}

export function columns3s2wide(
  r0: usize,
  r1: usize,
  r2: usize,
  pixelBytes: usize,
  inWidth: i32,
  outWidth: i32,
  pad: i32,
  weights: usize,
  scales: usize,
  to: usize,
  toStep: usize,
  least: i32,
): void {
  let s0a = i32x4.splat(0);
  let s0b = i32x4.splat(0);
  let s1a = i32x4.splat(0);
  let s1b = i32x4.splat(0);
  let at: usize = 0;
  let x = -pad;
  for (let ending = -1; ending < outWidth; ending++) {
    if (<u32>x < <u32>inWidth) {
      const a0 = v128.load8x8_u(r0 + at);
      const a1 = v128.load8x8_u(r1 + at);
      const a2 = v128.load8x8_u(r2 + at);
      const v0 = i16x8.shuffle(a0, a1, 0, 8, 1, 9, 2, 10, 3, 11);
      const v1 = i16x8.shuffle(a0, a1, 4, 12, 5, 13, 6, 14, 7, 15);
      const v2 = i32x4.extend_low_i16x8_u(a2);
      const v3 = i32x4.extend_high_i16x8_u(a2);
      s0a = i32x4.add(s0a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 64), v0));
      s0b = i32x4.add(s0b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 72), v1));
      s0a = i32x4.add(s0a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 80), v2));
      s0b = i32x4.add(s0b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 88), v3));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights), v0));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 8), v1));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 16), v2));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 24), v3));
      at += pixelBytes;
    }
    x++;
    if (ending >= 0) {
      put8(to, s0a, s0b, scales, least);
      to += toStep;
    }
    if (<u32>x < <u32>inWidth) {
      const a0 = v128.load8x8_u(r0 + at);
      const a1 = v128.load8x8_u(r1 + at);
      const a2 = v128.load8x8_u(r2 + at);
      const v0 = i16x8.shuffle(a0, a1, 0, 8, 1, 9, 2, 10, 3, 11);
      const v1 = i16x8.shuffle(a0, a1, 4, 12, 5, 13, 6, 14, 7, 15);
      const v2 = i32x4.extend_low_i16x8_u(a2);
      const v3 = i32x4.extend_high_i16x8_u(a2);
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 32), v0));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 40), v1));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 48), v2));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 56), v3));
      at += pixelBytes;
    }
    x++;
    s0a = s1a;
    s0b = s1b;
    s1a = i32x4.splat(0);
    s1b = i32x4.splat(0);
  }
}

export function columns5s1wide(
  r0: usize,
  r1: usize,
  r2: usize,
  r3: usize,
  r4: usize,
  pixelBytes: usize,
  inWidth: i32,
  outWidth: i32,
  pad: i32,
  weights: usize,
  scales: usize,
  to: usize,
  toStep: usize,
  least: i32,
): void {
  let s0a = i32x4.splat(0);
  let s0b = i32x4.splat(0);
  let s1a = i32x4.splat(0);
  let s1b = i32x4.splat(0);
  let s2a = i32x4.splat(0);
  let s2b = i32x4.splat(0);
  let s3a = i32x4.splat(0);
  let s3b = i32x4.splat(0);
  let s4a = i32x4.splat(0);
  let s4b = i32x4.splat(0);
  let at: usize = 0;
  let x = -pad;
  for (let ending = -4; ending < outWidth; ending++) {
    if (<u32>x < <u32>inWidth) {
      const a0 = v128.load8x8_u(r0 + at);
      const a1 = v128.load8x8_u(r1 + at);
      const a2 = v128.load8x8_u(r2 + at);
      const a3 = v128.load8x8_u(r3 + at);
      const a4 = v128.load8x8_u(r4 + at);
      const v0 = i16x8.shuffle(a0, a1, 0, 8, 1, 9, 2, 10, 3, 11);
      const v1 = i16x8.shuffle(a0, a1, 4, 12, 5, 13, 6, 14, 7, 15);
      const v2 = i16x8.shuffle(a2, a3, 0, 8, 1, 9, 2, 10, 3, 11);
      const v3 = i16x8.shuffle(a2, a3, 4, 12, 5, 13, 6, 14, 7, 15);
      const v4 = i32x4.extend_low_i16x8_u(a4);
      const v5 = i32x4.extend_high_i16x8_u(a4);
      s0a = i32x4.add(s0a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 192), v0));
      s0b = i32x4.add(s0b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 200), v1));
      s0a = i32x4.add(s0a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 208), v2));
      s0b = i32x4.add(s0b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 216), v3));
      s0a = i32x4.add(s0a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 224), v4));
      s0b = i32x4.add(s0b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 232), v5));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 144), v0));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 152), v1));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 160), v2));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 168), v3));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 176), v4));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 184), v5));
      s2a = i32x4.add(s2a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 96), v0));
      s2b = i32x4.add(s2b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 104), v1));
      s2a = i32x4.add(s2a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 112), v2));
      s2b = i32x4.add(s2b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 120), v3));
      s2a = i32x4.add(s2a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 128), v4));
      s2b = i32x4.add(s2b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 136), v5));
      s3a = i32x4.add(s3a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 48), v0));
      s3b = i32x4.add(s3b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 56), v1));
      s3a = i32x4.add(s3a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 64), v2));
      s3b = i32x4.add(s3b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 72), v3));
      s3a = i32x4.add(s3a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 80), v4));
      s3b = i32x4.add(s3b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 88), v5));
      s4a = i32x4.add(s4a, i32x4.dot_i16x8_s(v128.load8x8_s(weights), v0));
      s4b = i32x4.add(s4b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 8), v1));
      s4a = i32x4.add(s4a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 16), v2));
      s4b = i32x4.add(s4b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 24), v3));
      s4a = i32x4.add(s4a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 32), v4));
      s4b = i32x4.add(s4b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 40), v5));
      at += pixelBytes;
    }
    x++;
    if (ending >= 0) {
      put8(to, s0a, s0b, scales, least);
      to += toStep;
    }
    s0a = s1a;
    s0b = s1b;
    s1a = s2a;
    s1b = s2b;
    s2a = s3a;
    s2b = s3b;
    s3a = s4a;
    s3b = s4b;
    s4a = i32x4.splat(0);
    s4b = i32x4.splat(0);
  }
}

export function columns5s2wide(
  r0: usize,
  r1: usize,
  r2: usize,
  r3: usize,
  r4: usize,
  pixelBytes: usize,
  inWidth: i32,
  outWidth: i32,
  pad: i32,
  weights: usize,
  scales: usize,
  to: usize,
  toStep: usize,
  least: i32,
): void {
  let s0a = i32x4.splat(0);
  let s0b = i32x4.splat(0);
  let s1a = i32x4.splat(0);
  let s1b = i32x4.splat(0);
  let s2a = i32x4.splat(0);
  let s2b = i32x4.splat(0);
  let at: usize = 0;
  let x = -pad;
  for (let ending = -2; ending < outWidth; ending++) {
    if (<u32>x < <u32>inWidth) {
      const a0 = v128.load8x8_u(r0 + at);
      const a1 = v128.load8x8_u(r1 + at);
      const a2 = v128.load8x8_u(r2 + at);
      const a3 = v128.load8x8_u(r3 + at);
      const a4 = v128.load8x8_u(r4 + at);
      const v0 = i16x8.shuffle(a0, a1, 0, 8, 1, 9, 2, 10, 3, 11);
      const v1 = i16x8.shuffle(a0, a1, 4, 12, 5, 13, 6, 14, 7, 15);
      const v2 = i16x8.shuffle(a2, a3, 0, 8, 1, 9, 2, 10, 3, 11);
      const v3 = i16x8.shuffle(a2, a3, 4, 12, 5, 13, 6, 14, 7, 15);
      const v4 = i32x4.extend_low_i16x8_u(a4);
      const v5 = i32x4.extend_high_i16x8_u(a4);
      s0a = i32x4.add(s0a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 192), v0));
      s0b = i32x4.add(s0b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 200), v1));
      s0a = i32x4.add(s0a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 208), v2));
      s0b = i32x4.add(s0b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 216), v3));
      s0a = i32x4.add(s0a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 224), v4));
      s0b = i32x4.add(s0b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 232), v5));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 96), v0));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 104), v1));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 112), v2));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 120), v3));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 128), v4));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 136), v5));
      s2a = i32x4.add(s2a, i32x4.dot_i16x8_s(v128.load8x8_s(weights), v0));
      s2b = i32x4.add(s2b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 8), v1));
      s2a = i32x4.add(s2a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 16), v2));
      s2b = i32x4.add(s2b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 24), v3));
      s2a = i32x4.add(s2a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 32), v4));
      s2b = i32x4.add(s2b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 40), v5));
      at += pixelBytes;
    }
    x++;
    if (ending >= 0) {
      put8(to, s0a, s0b, scales, least);
      to += toStep;
    }
    if (<u32>x < <u32>inWidth) {
      const a0 = v128.load8x8_u(r0 + at);
      const a1 = v128.load8x8_u(r1 + at);
      const a2 = v128.load8x8_u(r2 + at);
      const a3 = v128.load8x8_u(r3 + at);
      const a4 = v128.load8x8_u(r4 + at);
      const v0 = i16x8.shuffle(a0, a1, 0, 8, 1, 9, 2, 10, 3, 11);
      const v1 = i16x8.shuffle(a0, a1, 4, 12, 5, 13, 6, 14, 7, 15);
      const v2 = i16x8.shuffle(a2, a3, 0, 8, 1, 9, 2, 10, 3, 11);
      const v3 = i16x8.shuffle(a2, a3, 4, 12, 5, 13, 6, 14, 7, 15);
      const v4 = i32x4.extend_low_i16x8_u(a4);
      const v5 = i32x4.extend_high_i16x8_u(a4);
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 144), v0));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 152), v1));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 160), v2));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 168), v3));
      s1a = i32x4.add(s1a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 176), v4));
      s1b = i32x4.add(s1b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 184), v5));
      s2a = i32x4.add(s2a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 48), v0));
      s2b = i32x4.add(s2b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 56), v1));
      s2a = i32x4.add(s2a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 64), v2));
      s2b = i32x4.add(s2b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 72), v3));
      s2a = i32x4.add(s2a, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 80), v4));
      s2b = i32x4.add(s2b, i32x4.dot_i16x8_s(v128.load8x8_s(weights, 88), v5));
      at += pixelBytes;
    }
    x++;
    s0a = s1a;
    s0b = s1b;
    s1a = s2a;
    s1b = s2b;
    s2a = i32x4.splat(0);
    s2b = i32x4.splat(0);
  }
}
