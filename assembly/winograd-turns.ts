import { paddedRows, sixes } from "./multiply";
import { Tile } from "./record";
import { gatherRows } from "./rows";
import { madd } from "./simd";
import { transformFilter, transformFilters } from "./winograd-filters";

/**
 * The product of Winograd tiles with filters that are transformed on the way.
 *
 * To make a filter is to store it, a vector a cycle; to use it is to multiply. In short turns of a few channels, the next
 * turn's filters between this turn's products, both go on at once, out of order, and filters stay in the first cache.
 */

/** Bytes from one tile's products to the next one's. */
export const M_STEP: usize = 128;

/** In channels of a turn. */
const TURN: i32 = 16;
/** Bytes of one point's filters of a turn. */
const FILTER_PLANE: usize = 512;
/** Bytes of all 36 points'. */
export const TURN_FILTERS: usize = 18432;

/** Whether turns have the tile and the channels; older optimisers, and those that fuse pairs, do better without. */
export function takesTurns(tile: i32, channels: i32): bool {
  return ASC_FEATURE_RELAXED_SIMD && tile != Tile.f32_6x16 && channels % (2 * TURN) == 0;
}

/** Blocks of six and of four rows that `rows` rows are. */
export function blocksOf(tile: i32, rows: i32): i32 {
  const six = sixes(tile, rows);
  return six + ((paddedRows(tile, rows) - 6 * six) >> 2);
}

export function firstOfBlock(tile: i32, rows: i32, block: i32): i32 {
  const six = sixes(tile, rows);
  return block < six ? 6 * block : 6 * six + 4 * (block - six);
}

export function heightOfBlock(tile: i32, rows: i32, block: i32): i32 {
  return block < sixes(tile, rows) ? 6 : 4;
}

/** One block of V's `rows` rows, by pointers, to where turns read it: [turn][point][block][channel][6 or 4]. */
export function gatherBlock(
  tile: i32,
  rows: i32,
  block: i32,
  table: usize,
  channels: i32,
  vPlane: usize,
  to: usize,
): void {
  const height = heightOfBlock(tile, rows, block);
  const bytes = <usize>(paddedRows(tile, rows) * TURN) << 2;
  to += <usize>(firstOfBlock(tile, rows, block) * TURN) << 2;
  for (let channel = 0; channel < channels; channel += TURN) {
    for (let point: usize = 0; point < 36; point++) {
      gatherRows(table, height, 1, 1, TURN, point * vPlane + (<usize>channel << 2), to);
      to += bytes;
    }
  }
}

/**
 * M = V U of one panel, 8 columns: point p's to m + p * mPlane, [row][M_STEP bytes]. `u` has room for two turns' filters. The
 * first panel makes its own first turn's; every panel but the last makes the next one's, which lie right after its own.
 */
export function multiplyTurns(
  tile: i32,
  a: usize,
  rows: i32,
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
    transformFilters(panel, panel + FILTER_PLANE, tap, u, FILTER_PLANE);
  }
  const six = sixes(tile, rows);
  const four = (paddedRows(tile, rows) - 6 * six) >> 2;
  const bytes = <usize>(36 * TURN * paddedRows(tile, rows)) << 2;
  clear(m, mPlane, paddedRows(tile, rows));
  let half: usize = 0;
  for (let from = panel + FILTER_PLANE, end = panel + tap; from <= end; from += FILTER_PLANE) {
    const next = from < end ? from : panel + 9 * tap;
    const stop = from < end || hasNext ? next + FILTER_PLANE : next;
    turn(six, four, a, u + half, m, mPlane, next, stop, tap, u + (TURN_FILTERS - half));
    half = TURN_FILTERS - half;
    a += bytes;
  }
}

function clear(m: usize, mPlane: usize, rows: i32): void {
  const zero = f32x4.splat(0);
  for (const end = m + 36 * mPlane; m < end; m += mPlane) {
    for (let tile: usize = 0; tile < <usize>rows; tile++) {
      v128.store(m + tile * M_STEP, zero);
      v128.store(m + tile * M_STEP, zero, 16);
    }
  }
}

/** M += V U of all points and one turn's channels; after a point, one vector of the next turn's filters is made. */
function turn(
  six: i32,
  four: i32,
  a: usize,
  b: usize,
  m: usize,
  mPlane: usize,
  from: usize,
  stop: usize,
  tap: usize,
  to: usize,
): void {
  for (const last = m + 36 * mPlane; m < last; m += mPlane) {
    const end = b + FILTER_PLANE;
    let c = m;
    for (const below = c + <usize>six * 6 * M_STEP; c < below; c += 6 * M_STEP) {
      let s00 = v128.load(c);
      let s01 = v128.load(c, 16);
      let s10 = v128.load(c, M_STEP);
      let s11 = v128.load(c, M_STEP + 16);
      let s20 = v128.load(c, 2 * M_STEP);
      let s21 = v128.load(c, 2 * M_STEP + 16);
      let s30 = v128.load(c, 3 * M_STEP);
      let s31 = v128.load(c, 3 * M_STEP + 16);
      let s40 = v128.load(c, 4 * M_STEP);
      let s41 = v128.load(c, 4 * M_STEP + 16);
      let s50 = v128.load(c, 5 * M_STEP);
      let s51 = v128.load(c, 5 * M_STEP + 16);
      for (let at = b; at < end; at += 32) {
        const b0 = v128.load(at);
        const b1 = v128.load(at, 16);
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
        row = v128.load32_splat(a, 16);
        s40 = madd(row, b0, s40);
        s41 = madd(row, b1, s41);
        row = v128.load32_splat(a, 20);
        s50 = madd(row, b0, s50);
        s51 = madd(row, b1, s51);
        a += 24;
      }
      v128.store(c, s00);
      v128.store(c, s01, 16);
      v128.store(c, s10, M_STEP);
      v128.store(c, s11, M_STEP + 16);
      v128.store(c, s20, 2 * M_STEP);
      v128.store(c, s21, 2 * M_STEP + 16);
      v128.store(c, s30, 3 * M_STEP);
      v128.store(c, s31, 3 * M_STEP + 16);
      v128.store(c, s40, 4 * M_STEP);
      v128.store(c, s41, 4 * M_STEP + 16);
      v128.store(c, s50, 5 * M_STEP);
      v128.store(c, s51, 5 * M_STEP + 16);
    }
    for (const below = c + <usize>four * 4 * M_STEP; c < below; c += 4 * M_STEP) {
      let s00 = v128.load(c);
      let s01 = v128.load(c, 16);
      let s10 = v128.load(c, M_STEP);
      let s11 = v128.load(c, M_STEP + 16);
      let s20 = v128.load(c, 2 * M_STEP);
      let s21 = v128.load(c, 2 * M_STEP + 16);
      let s30 = v128.load(c, 3 * M_STEP);
      let s31 = v128.load(c, 3 * M_STEP + 16);
      for (let at = b; at < end; at += 32) {
        const b0 = v128.load(at);
        const b1 = v128.load(at, 16);
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
      v128.store(c, s00);
      v128.store(c, s01, 16);
      v128.store(c, s10, M_STEP);
      v128.store(c, s11, M_STEP + 16);
      v128.store(c, s20, 2 * M_STEP);
      v128.store(c, s21, 2 * M_STEP + 16);
      v128.store(c, s30, 3 * M_STEP);
      v128.store(c, s31, 3 * M_STEP + 16);
    }
    b = end;
    if (from < stop) {
      transformFilter(from, tap, to, FILTER_PLANE);
      from += 16;
      to += 16;
    }
  }
}
