import { FACTORS, filteredFilterPlane, filteredInputPlane, filteredProductPlane, halfRows } from "../shared/sizes";
import { put2x8 } from "./store";
import { i16_gemm_4x8 } from "./tiles";

/**
 * Strassen's products of halves in whole numbers, in Winograd's form (Boyer et al. 2009, section 2.1): seven products of sixteen bits
 * instead of eight, exact. Of A rows and channels are halved; of B channels are, and two panels are the halves of its columns. With
 *
 *     s1 = a21 + a22, s2 = s1 - a11, s3 = a11 - a21, s4 = a12 - s2 and t1 = b12 - b11, t2 = b22 - t1, t3 = b22 - b12, t4 = t2 - b21
 *
 * the products are a11 b11, a12 b21, s4 b22, a22 t4, s1 t1, s2 t2 and s3 t3. Values of 0..255 grow to -510..510, weights to four times
 * theirs.
 */

/**
 * First factors of `rows` rows, each in a plane of its own, [row][tap][half of the channels] of i16. Source: a table of pointers,
 * [block][tap][4], to `channels` bytes without a sign. Rows that only fill a half repeat the last.
 */
export function halveRows(table: usize, rows: i32, taps: i32, channels: i32, v: usize): void {
  const half = halfRows(rows);
  const bytes = <usize>channels >> 1;
  const plane: usize = filteredInputPlane(half, (taps * channels) >> 1);
  for (let row = 0; row < half; row++) {
    const upper = pointersOf(table, min(row, rows - 1), taps);
    const lower = pointersOf(table, min(row + half, rows - 1), taps);
    for (let tap: usize = 0; tap < <usize>taps; tap++) {
      let a1 = <usize>load<u32>(upper + (tap << 4));
      let a2 = <usize>load<u32>(lower + (tap << 4));
      for (const end = a1 + bytes; a1 < end; a1 += 8) {
        const a11 = v128.load8x8_u(a1);
        const a12 = v128.load8x8_u(a1 + bytes);
        const a21 = v128.load8x8_u(a2);
        const a22 = v128.load8x8_u(a2 + bytes);
        const s1 = i16x8.add(a21, a22);
        const s2 = i16x8.sub(s1, a11);
        v128.store(v, a11);
        v128.store(v + plane, a12);
        v128.store(v + 2 * plane, i16x8.sub(a12, s2));
        v128.store(v + 3 * plane, a22);
        v128.store(v + 4 * plane, s1);
        v128.store(v + 5 * plane, s2);
        v128.store(v + 6 * plane, i16x8.sub(a11, a21));
        a2 += 8;
        v += 16;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function pointersOf(table: usize, row: i32, taps: i32): usize {
  return table + (<usize>((row >> 2) * taps) << 4) + (<usize>(row & 3) << 2);
}

/**
 * Output of `rows` rows, whose factors are at `v`, and of two panels, [tap][pair][8][2] of bytes, that lie one behind the other. The panels'
 * factors and the products go behind those of the rows. What sums become is `put2x8`'s.
 */
export function multiplyHalves(
  v: usize,
  rows: i32,
  taps: i32,
  channels: i32,
  b: usize,
  scales: usize,
  c: usize,
  step: usize,
  residual: usize,
  factor: f32,
  least: i32,
): void {
  const half = halfRows(rows);
  const depth = (taps * channels) >> 1;
  const inPlane: usize = filteredInputPlane(half, depth);
  const filterPlane: usize = filteredFilterPlane(depth);
  const productPlane: usize = filteredProductPlane(half);
  const u = v + <usize>FACTORS * inPlane;
  const m = u + <usize>FACTORS * filterPlane;
  halvePanels(b, <usize>(taps * channels) << 3, taps, <usize>channels << 2, u, filterPlane);
  for (let product: usize = 0; product < <usize>FACTORS; product++) {
    i16_gemm_4x8(v + product * inPlane, <usize>depth << 1, depth >> 1, u + product * filterPlane, m + product * productPlane, half);
  }
  addProducts(m, productPlane, half);
  for (let quarter = 0; quarter < 4; quarter++) {
    const right = quarter & 1;
    let from = m + <usize>quarter * productPlane;
    let to = c + (<usize>right << 3);
    let left = rows;
    if (quarter > 1) {
      to += <usize>half * step;
      left -= half;
    } else left = min(left, half);
    for (; left > 0; left -= 2) {
      put2x8(
        to, step, left,
        v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48),
        scales + (<usize>right << 6), 8, residual, factor, least,
      );
      from += 64;
      to += 2 * step;
    }
  }
}

/** Second factors of two panels, each in a plane of its own, [tap][pair of half of the channels][8][2] of i16. `bytes`: half of a tap. */
function halvePanels(b: usize, panelBytes: usize, taps: i32, bytes: usize, u: usize, plane: usize): void {
  for (let tap = 0; tap < taps; tap++) {
    for (const end = b + bytes; b < end; b += 8, u += 16) {
      const b11 = v128.load8x8_s(b);
      const b21 = v128.load8x8_s(b + bytes);
      const b12 = v128.load8x8_s(b + panelBytes);
      const b22 = v128.load8x8_s(b + panelBytes + bytes);
      const t1 = i16x8.sub(b12, b11);
      const t2 = i16x8.sub(b22, t1);
      v128.store(u, b11);
      v128.store(u + plane, b21);
      v128.store(u + 2 * plane, b22);
      v128.store(u + 3 * plane, i16x8.sub(t2, b21));
      v128.store(u + 4 * plane, t1);
      v128.store(u + 5 * plane, t2);
      v128.store(u + 6 * plane, i16x8.sub(b22, b12));
    }
    b += bytes;
  }
}

/** Sums of products, [row][8] of i32, to the output's quarters, in the first four planes: upper left, upper right, lower left, lower right. */
function addProducts(m: usize, plane: usize, rows: i32): void {
  for (const end = m + (<usize>rows << 5); m < end; m += 16) {
    const p1 = v128.load(m);
    const p5 = v128.load(m + 4 * plane);
    const u2 = i32x4.add(p1, v128.load(m + 5 * plane));
    const u3 = i32x4.add(u2, v128.load(m + 6 * plane));
    const p4 = v128.load(m + 3 * plane);
    const p3 = v128.load(m + 2 * plane);
    v128.store(m, i32x4.add(p1, v128.load(m + plane)));
    v128.store(m + plane, i32x4.add(i32x4.add(u2, p5), p3));
    v128.store(m + 2 * plane, i32x4.sub(u3, p4));
    v128.store(m + 3 * plane, i32x4.add(u3, p5));
  }
}
