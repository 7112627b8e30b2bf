import { gatherRows } from "./rows";
import { madd } from "./simd";
import { transformFilter } from "./winograd-filters";

/**
 * The product of four Winograd tiles or fewer with filters that are transformed on the way.
 *
 * To make a filter is to store it, a vector a cycle; to use it four times is to multiply. In short turns of a few channels,
 * the next turn's filters between this turn's products, both go on at once, out of order, and filters stay in the first cache.
 */

/** Bytes from one tile's products to the next one's. */
export const M_STEP: usize = 128;

/** In channels of a turn. */
const TURN: i32 = 8;
/** One point's filters of a turn, and those of all 36. */
const FILTER_PLANE: usize = 256;
const FILTER_BYTES: usize = 9216;

/** Whether `multiplyFew` has the tiles and channels; older optimisers, without relaxed SIMD, do better without. */
export function isFew(tiles: i32, channels: i32): bool {
  return ASC_FEATURE_RELAXED_SIMD && tiles <= 4 && channels % (2 * TURN) == 0;
}

/** V of four tiles, by pointers, as turns read it: [turn][point][channel][tile]. */
export function gatherFew(table: usize, channels: i32, vPlane: usize, to: usize): void {
  for (let channel = 0; channel < channels; channel += TURN) {
    for (let point: usize = 0; point < 36; point++) {
      gatherRows(table, 4, 1, 1, TURN, point * vPlane + (<usize>channel << 2), to);
      to += 16 * TURN;
    }
  }
}

/**
 * M = V U of one panel, 8 columns: point p's to m + p * mPlane, [4][M_STEP bytes]. `u` has room for two turns' filters. The
 * first panel makes its own first turn's; every panel but the last makes the next one's, which lie right after its own.
 */
export function multiplyFew(
  a: usize,
  panel: usize,
  channels: i32,
  isFirst: bool,
  hasNext: bool,
  u: usize,
  m: usize,
  mPlane: usize,
): void {
  const tap = <usize>channels << 5;
  if (isFirst) {
    for (let at: usize = 0; at < FILTER_PLANE; at += 16) transformFilter(panel + at, tap, u + at, FILTER_PLANE);
  }
  clear(m, mPlane);
  let half: usize = 0;
  for (let from = panel + FILTER_PLANE, end = panel + tap; from <= end; from += FILTER_PLANE) {
    const next = from < end ? from : panel + 9 * tap;
    const stop = from < end || hasNext ? next + FILTER_PLANE : next;
    turn(a, u + half, m, mPlane, next, stop, tap, u + (FILTER_BYTES - half));
    half = FILTER_BYTES - half;
    a += 36 * 16 * TURN;
  }
}

function clear(m: usize, mPlane: usize): void {
  const zero = f32x4.splat(0);
  for (const end = m + 36 * mPlane; m < end; m += mPlane) {
    for (let tile: usize = 0; tile < 4; tile++) {
      v128.store(m + tile * M_STEP, zero);
      v128.store(m + tile * M_STEP, zero, 16);
    }
  }
}

/** M += V U of all points and one turn's channels; after a point, one vector of the next turn's filters is made. */
function turn(a: usize, b: usize, m: usize, mPlane: usize, from: usize, stop: usize, tap: usize, to: usize): void {
  for (const last = m + 36 * mPlane; m < last; m += mPlane) {
    let s00 = v128.load(m);
    let s01 = v128.load(m, 16);
    let s10 = v128.load(m, M_STEP);
    let s11 = v128.load(m, M_STEP + 16);
    let s20 = v128.load(m, 2 * M_STEP);
    let s21 = v128.load(m, 2 * M_STEP + 16);
    let s30 = v128.load(m, 3 * M_STEP);
    let s31 = v128.load(m, 3 * M_STEP + 16);
    for (const end = b + FILTER_PLANE; b < end; b += 32) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      let row = v128.load32_splat(a);
      s00 = madd(row, b0, s00);
      s01 = madd(row, b1, s01);
      row = v128.load32_splat(a, 4);
      s10 = madd(row, b0, s10);
      s11 = madd(row, b1, s11);
      row = v128.load32_splat(a, 8);
      s20 = madd(row, b0, s20);
      s21 = madd(row, b1, s21);
      row = v128.load32_splat(a, 12);
      s30 = madd(row, b0, s30);
      s31 = madd(row, b1, s31);
      a += 16;
    }
    v128.store(m, s00);
    v128.store(m, s01, 16);
    v128.store(m, s10, M_STEP);
    v128.store(m, s11, M_STEP + 16);
    v128.store(m, s20, 2 * M_STEP);
    v128.store(m, s21, 2 * M_STEP + 16);
    v128.store(m, s30, 3 * M_STEP);
    v128.store(m, s31, 3 * M_STEP + 16);
    if (from < stop) {
      transformFilter(from, tap, to, FILTER_PLANE);
      from += 16;
      to += 16;
    }
  }
}
