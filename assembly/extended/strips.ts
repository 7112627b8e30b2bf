// Written by scripts/tiles.mjs: npm run tiles.
import { madd } from "../base/simd";

/**
 * One row of a strip of output columns, all channels, four at a time: sums stay in registers, each input vector is loaded once a row of
 * the window, and each weight once a strip.
 *
 * `line` is where the window's first row in the image begins, in the strip's first input column; `rows` of its rows are in the image.
 * `left` and `right` of the strip's input columns are not. Weights are [channels / 4][taps][4], and begin with that first
 * row. Output columns are `toStep` bytes apart.
 */
export function strip3s1x7(
  line: usize,
  lineBytes: usize,
  pixelBytes: usize,
  rows: i32,
  left: i32,
  right: i32,
  weights: usize,
  bias: usize,
  to: usize,
  toStep: usize,
  least: f32,
  most: f32,
): void {
  for (const end = line + pixelBytes; line < end; line += 16) {
    let s0 = v128.load(bias);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let s4 = s0;
    let s5 = s0;
    let s6 = s0;
    let row = line;
    let w = weights;
    for (let more = rows; more > 0; more--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 32);
      let at = row;
      if (left <= 0) {
        const x = v128.load(at);
        s0 = madd(x, w0, s0);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w1, s0);
        s1 = madd(x, w0, s1);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w2, s0);
        s1 = madd(x, w1, s1);
        s2 = madd(x, w0, s2);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s1 = madd(x, w2, s1);
        s2 = madd(x, w1, s2);
        s3 = madd(x, w0, s3);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s2 = madd(x, w2, s2);
        s3 = madd(x, w1, s3);
        s4 = madd(x, w0, s4);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s3 = madd(x, w2, s3);
        s4 = madd(x, w1, s4);
        s5 = madd(x, w0, s5);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s4 = madd(x, w2, s4);
        s5 = madd(x, w1, s5);
        s6 = madd(x, w0, s6);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s5 = madd(x, w2, s5);
        s6 = madd(x, w1, s6);
      }
      at += pixelBytes;
      if (right < 1) {
        const x = v128.load(at);
        s6 = madd(x, w2, s6);
      }
      row += lineBytes;
      w += 48;
    }
    const floor = f32x4.splat(least);
    const ceiling = f32x4.splat(most);
    let put = to;
    v128.store(put, f32x4.pmin(f32x4.pmax(s0, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s1, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s2, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s3, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s4, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s5, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s6, floor), ceiling));
    weights += 144;
    bias += 16;
    to += 16;
  }
}

export function strip3s1x4(
  line: usize,
  lineBytes: usize,
  pixelBytes: usize,
  rows: i32,
  left: i32,
  right: i32,
  weights: usize,
  bias: usize,
  to: usize,
  toStep: usize,
  least: f32,
  most: f32,
): void {
  for (const end = line + pixelBytes; line < end; line += 16) {
    let s0 = v128.load(bias);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let row = line;
    let w = weights;
    for (let more = rows; more > 0; more--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 32);
      let at = row;
      if (left <= 0) {
        const x = v128.load(at);
        s0 = madd(x, w0, s0);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w1, s0);
        s1 = madd(x, w0, s1);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w2, s0);
        s1 = madd(x, w1, s1);
        s2 = madd(x, w0, s2);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s1 = madd(x, w2, s1);
        s2 = madd(x, w1, s2);
        s3 = madd(x, w0, s3);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s2 = madd(x, w2, s2);
        s3 = madd(x, w1, s3);
      }
      at += pixelBytes;
      if (right < 1) {
        const x = v128.load(at);
        s3 = madd(x, w2, s3);
      }
      row += lineBytes;
      w += 48;
    }
    const floor = f32x4.splat(least);
    const ceiling = f32x4.splat(most);
    let put = to;
    v128.store(put, f32x4.pmin(f32x4.pmax(s0, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s1, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s2, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s3, floor), ceiling));
    weights += 144;
    bias += 16;
    to += 16;
  }
}

export function strip3s2x7(
  line: usize,
  lineBytes: usize,
  pixelBytes: usize,
  rows: i32,
  left: i32,
  right: i32,
  weights: usize,
  bias: usize,
  to: usize,
  toStep: usize,
  least: f32,
  most: f32,
): void {
  for (const end = line + pixelBytes; line < end; line += 16) {
    let s0 = v128.load(bias);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let s4 = s0;
    let s5 = s0;
    let s6 = s0;
    let row = line;
    let w = weights;
    for (let more = rows; more > 0; more--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 32);
      let at = row;
      if (left <= 0) {
        const x = v128.load(at);
        s0 = madd(x, w0, s0);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w1, s0);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w2, s0);
        s1 = madd(x, w0, s1);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s1 = madd(x, w1, s1);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s1 = madd(x, w2, s1);
        s2 = madd(x, w0, s2);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s2 = madd(x, w1, s2);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s2 = madd(x, w2, s2);
        s3 = madd(x, w0, s3);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s3 = madd(x, w1, s3);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s3 = madd(x, w2, s3);
        s4 = madd(x, w0, s4);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s4 = madd(x, w1, s4);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s4 = madd(x, w2, s4);
        s5 = madd(x, w0, s5);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s5 = madd(x, w1, s5);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s5 = madd(x, w2, s5);
        s6 = madd(x, w0, s6);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s6 = madd(x, w1, s6);
      }
      at += pixelBytes;
      if (right < 1) {
        const x = v128.load(at);
        s6 = madd(x, w2, s6);
      }
      row += lineBytes;
      w += 48;
    }
    const floor = f32x4.splat(least);
    const ceiling = f32x4.splat(most);
    let put = to;
    v128.store(put, f32x4.pmin(f32x4.pmax(s0, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s1, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s2, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s3, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s4, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s5, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s6, floor), ceiling));
    weights += 144;
    bias += 16;
    to += 16;
  }
}

export function strip3s2x4(
  line: usize,
  lineBytes: usize,
  pixelBytes: usize,
  rows: i32,
  left: i32,
  right: i32,
  weights: usize,
  bias: usize,
  to: usize,
  toStep: usize,
  least: f32,
  most: f32,
): void {
  for (const end = line + pixelBytes; line < end; line += 16) {
    let s0 = v128.load(bias);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let row = line;
    let w = weights;
    for (let more = rows; more > 0; more--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 32);
      let at = row;
      if (left <= 0) {
        const x = v128.load(at);
        s0 = madd(x, w0, s0);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w1, s0);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w2, s0);
        s1 = madd(x, w0, s1);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s1 = madd(x, w1, s1);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s1 = madd(x, w2, s1);
        s2 = madd(x, w0, s2);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s2 = madd(x, w1, s2);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s2 = madd(x, w2, s2);
        s3 = madd(x, w0, s3);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s3 = madd(x, w1, s3);
      }
      at += pixelBytes;
      if (right < 1) {
        const x = v128.load(at);
        s3 = madd(x, w2, s3);
      }
      row += lineBytes;
      w += 48;
    }
    const floor = f32x4.splat(least);
    const ceiling = f32x4.splat(most);
    let put = to;
    v128.store(put, f32x4.pmin(f32x4.pmax(s0, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s1, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s2, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s3, floor), ceiling));
    weights += 144;
    bias += 16;
    to += 16;
  }
}

export function strip5s1x7(
  line: usize,
  lineBytes: usize,
  pixelBytes: usize,
  rows: i32,
  left: i32,
  right: i32,
  weights: usize,
  bias: usize,
  to: usize,
  toStep: usize,
  least: f32,
  most: f32,
): void {
  for (const end = line + pixelBytes; line < end; line += 16) {
    let s0 = v128.load(bias);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let s4 = s0;
    let s5 = s0;
    let s6 = s0;
    let row = line;
    let w = weights;
    for (let more = rows; more > 0; more--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 32);
      const w3 = v128.load(w, 48);
      const w4 = v128.load(w, 64);
      let at = row;
      if (left <= 0) {
        const x = v128.load(at);
        s0 = madd(x, w0, s0);
      }
      at += pixelBytes;
      if (left <= 1) {
        const x = v128.load(at);
        s0 = madd(x, w1, s0);
        s1 = madd(x, w0, s1);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w2, s0);
        s1 = madd(x, w1, s1);
        s2 = madd(x, w0, s2);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w3, s0);
        s1 = madd(x, w2, s1);
        s2 = madd(x, w1, s2);
        s3 = madd(x, w0, s3);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w4, s0);
        s1 = madd(x, w3, s1);
        s2 = madd(x, w2, s2);
        s3 = madd(x, w1, s3);
        s4 = madd(x, w0, s4);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s1 = madd(x, w4, s1);
        s2 = madd(x, w3, s2);
        s3 = madd(x, w2, s3);
        s4 = madd(x, w1, s4);
        s5 = madd(x, w0, s5);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s2 = madd(x, w4, s2);
        s3 = madd(x, w3, s3);
        s4 = madd(x, w2, s4);
        s5 = madd(x, w1, s5);
        s6 = madd(x, w0, s6);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s3 = madd(x, w4, s3);
        s4 = madd(x, w3, s4);
        s5 = madd(x, w2, s5);
        s6 = madd(x, w1, s6);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s4 = madd(x, w4, s4);
        s5 = madd(x, w3, s5);
        s6 = madd(x, w2, s6);
      }
      at += pixelBytes;
      if (right < 2) {
        const x = v128.load(at);
        s5 = madd(x, w4, s5);
        s6 = madd(x, w3, s6);
      }
      at += pixelBytes;
      if (right < 1) {
        const x = v128.load(at);
        s6 = madd(x, w4, s6);
      }
      row += lineBytes;
      w += 80;
    }
    const floor = f32x4.splat(least);
    const ceiling = f32x4.splat(most);
    let put = to;
    v128.store(put, f32x4.pmin(f32x4.pmax(s0, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s1, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s2, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s3, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s4, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s5, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s6, floor), ceiling));
    weights += 400;
    bias += 16;
    to += 16;
  }
}

export function strip5s1x4(
  line: usize,
  lineBytes: usize,
  pixelBytes: usize,
  rows: i32,
  left: i32,
  right: i32,
  weights: usize,
  bias: usize,
  to: usize,
  toStep: usize,
  least: f32,
  most: f32,
): void {
  for (const end = line + pixelBytes; line < end; line += 16) {
    let s0 = v128.load(bias);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let row = line;
    let w = weights;
    for (let more = rows; more > 0; more--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 32);
      const w3 = v128.load(w, 48);
      const w4 = v128.load(w, 64);
      let at = row;
      if (left <= 0) {
        const x = v128.load(at);
        s0 = madd(x, w0, s0);
      }
      at += pixelBytes;
      if (left <= 1) {
        const x = v128.load(at);
        s0 = madd(x, w1, s0);
        s1 = madd(x, w0, s1);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w2, s0);
        s1 = madd(x, w1, s1);
        s2 = madd(x, w0, s2);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w3, s0);
        s1 = madd(x, w2, s1);
        s2 = madd(x, w1, s2);
        s3 = madd(x, w0, s3);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w4, s0);
        s1 = madd(x, w3, s1);
        s2 = madd(x, w2, s2);
        s3 = madd(x, w1, s3);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s1 = madd(x, w4, s1);
        s2 = madd(x, w3, s2);
        s3 = madd(x, w2, s3);
      }
      at += pixelBytes;
      if (right < 2) {
        const x = v128.load(at);
        s2 = madd(x, w4, s2);
        s3 = madd(x, w3, s3);
      }
      at += pixelBytes;
      if (right < 1) {
        const x = v128.load(at);
        s3 = madd(x, w4, s3);
      }
      row += lineBytes;
      w += 80;
    }
    const floor = f32x4.splat(least);
    const ceiling = f32x4.splat(most);
    let put = to;
    v128.store(put, f32x4.pmin(f32x4.pmax(s0, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s1, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s2, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s3, floor), ceiling));
    weights += 400;
    bias += 16;
    to += 16;
  }
}

export function strip5s2x7(
  line: usize,
  lineBytes: usize,
  pixelBytes: usize,
  rows: i32,
  left: i32,
  right: i32,
  weights: usize,
  bias: usize,
  to: usize,
  toStep: usize,
  least: f32,
  most: f32,
): void {
  for (const end = line + pixelBytes; line < end; line += 16) {
    let s0 = v128.load(bias);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let s4 = s0;
    let s5 = s0;
    let s6 = s0;
    let row = line;
    let w = weights;
    for (let more = rows; more > 0; more--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 32);
      const w3 = v128.load(w, 48);
      const w4 = v128.load(w, 64);
      let at = row;
      if (left <= 0) {
        const x = v128.load(at);
        s0 = madd(x, w0, s0);
      }
      at += pixelBytes;
      if (left <= 1) {
        const x = v128.load(at);
        s0 = madd(x, w1, s0);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w2, s0);
        s1 = madd(x, w0, s1);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w3, s0);
        s1 = madd(x, w1, s1);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w4, s0);
        s1 = madd(x, w2, s1);
        s2 = madd(x, w0, s2);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s1 = madd(x, w3, s1);
        s2 = madd(x, w1, s2);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s1 = madd(x, w4, s1);
        s2 = madd(x, w2, s2);
        s3 = madd(x, w0, s3);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s2 = madd(x, w3, s2);
        s3 = madd(x, w1, s3);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s2 = madd(x, w4, s2);
        s3 = madd(x, w2, s3);
        s4 = madd(x, w0, s4);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s3 = madd(x, w3, s3);
        s4 = madd(x, w1, s4);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s3 = madd(x, w4, s3);
        s4 = madd(x, w2, s4);
        s5 = madd(x, w0, s5);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s4 = madd(x, w3, s4);
        s5 = madd(x, w1, s5);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s4 = madd(x, w4, s4);
        s5 = madd(x, w2, s5);
        s6 = madd(x, w0, s6);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s5 = madd(x, w3, s5);
        s6 = madd(x, w1, s6);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s5 = madd(x, w4, s5);
        s6 = madd(x, w2, s6);
      }
      at += pixelBytes;
      if (right < 2) {
        const x = v128.load(at);
        s6 = madd(x, w3, s6);
      }
      at += pixelBytes;
      if (right < 1) {
        const x = v128.load(at);
        s6 = madd(x, w4, s6);
      }
      row += lineBytes;
      w += 80;
    }
    const floor = f32x4.splat(least);
    const ceiling = f32x4.splat(most);
    let put = to;
    v128.store(put, f32x4.pmin(f32x4.pmax(s0, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s1, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s2, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s3, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s4, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s5, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s6, floor), ceiling));
    weights += 400;
    bias += 16;
    to += 16;
  }
}

export function strip5s2x4(
  line: usize,
  lineBytes: usize,
  pixelBytes: usize,
  rows: i32,
  left: i32,
  right: i32,
  weights: usize,
  bias: usize,
  to: usize,
  toStep: usize,
  least: f32,
  most: f32,
): void {
  for (const end = line + pixelBytes; line < end; line += 16) {
    let s0 = v128.load(bias);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let row = line;
    let w = weights;
    for (let more = rows; more > 0; more--) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 32);
      const w3 = v128.load(w, 48);
      const w4 = v128.load(w, 64);
      let at = row;
      if (left <= 0) {
        const x = v128.load(at);
        s0 = madd(x, w0, s0);
      }
      at += pixelBytes;
      if (left <= 1) {
        const x = v128.load(at);
        s0 = madd(x, w1, s0);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w2, s0);
        s1 = madd(x, w0, s1);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w3, s0);
        s1 = madd(x, w1, s1);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s0 = madd(x, w4, s0);
        s1 = madd(x, w2, s1);
        s2 = madd(x, w0, s2);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s1 = madd(x, w3, s1);
        s2 = madd(x, w1, s2);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s1 = madd(x, w4, s1);
        s2 = madd(x, w2, s2);
        s3 = madd(x, w0, s3);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s2 = madd(x, w3, s2);
        s3 = madd(x, w1, s3);
      }
      at += pixelBytes;
      {
        const x = v128.load(at);
        s2 = madd(x, w4, s2);
        s3 = madd(x, w2, s3);
      }
      at += pixelBytes;
      if (right < 2) {
        const x = v128.load(at);
        s3 = madd(x, w3, s3);
      }
      at += pixelBytes;
      if (right < 1) {
        const x = v128.load(at);
        s3 = madd(x, w4, s3);
      }
      row += lineBytes;
      w += 80;
    }
    const floor = f32x4.splat(least);
    const ceiling = f32x4.splat(most);
    let put = to;
    v128.store(put, f32x4.pmin(f32x4.pmax(s0, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s1, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s2, floor), ceiling));
    put += toStep;
    v128.store(put, f32x4.pmin(f32x4.pmax(s3, floor), ceiling));
    weights += 400;
    bias += 16;
    to += 16;
  }
}
