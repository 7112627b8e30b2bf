import { sixes } from "../gemm/multiply";
import { Tile, WinogradField } from "../shared/record";
import { gatherRows } from "../gemm/rows";
import { madd } from "../base/simd";
import { BLOCK_ENTRY as ENTRY, PRODUCT_STEP as M_STEP, TURN_FILTERS, TURN_PLANE } from "../shared/sizes";
import { firstRow, pointsAlong, rowsAt } from "./grid";
import { transformFilter, transformFilterStride2, Turn } from "./filters";
import { word } from "../base/words";
import { filterAt, pairsAt, planeAt, planesOf } from "./planes";

/**
 * The product of Winograd tiles with filters that are transformed on the way.
 *
 * Transforming filters is bound by stores, multiplying by arithmetic. Interleaved, both run at once on an out-of-order core. So work
 * goes in short turns of a few channels: the next turn's filters are made between this turn's products, and stay in the L1 cache.
 */

/** In channels of a turn. */
const TURN: i32 = 16;

/** Whether filters are made in turns: whole turns of channels, and not the tile for engines that fuse pairs, which are faster without. */
export function takesTurns(tile: i32, channels: i32): bool {
  return !QUANTIZED && tile != Tile.f32_6x16 && channels % TURN == 0;
}

/**
 * Where the table of a piece's blocks ends that begins at `blocks`. It has an entry of seven words for each plane of V. They are: where
 * its point's products begin in M; the bytes of M for its blocks of six, four and two rows; its first row; the offset of its
 * filters within a turn's; its number.
 */
// @ts-ignore: decorator
@inline
export function blocksEnd(record: usize, blocks: usize): usize {
  return blocks + <usize>planesOf(record) * ENTRY;
}

/** The table for `count` tiles from `first`. Returns the rows of all planes together, with those that only fill a block. */
export function writeBlocks(record: usize, tile: i32, first: i32, count: i32, mPlane: usize, to: usize): i32 {
  const padded = (count + 3) & ~3;
  const along = pointsAlong(record);
  // Blocks of two sum in another order. They are used only where rows are never split among pieces, else sums would depend on the split;
  // and for one picture, whose sums do not depend on how many lie below it.
  const tilesHigh = word(record, WinogradField.tilesHigh);
  const hasTwos = word(record, WinogradField.pictureTiles) == tilesHigh && word(record, WinogradField.tilesWide) * tilesHigh <= 4;
  let all = 0;
  for (let point = 0; point < along * along; point++) {
    const rows = rowsAt(record, point, first, count);
    // There is no kernel for a single row here: seven rows are two fours.
    const six = 6 * max(sixes(tile, rows) - (rows % 6 == 1 ? 1 : 0), 0);
    const left = max(rows - six, 0);
    const four = (left + (hasTwos ? 1 : 3)) & ~3;
    const two = left > four ? 2 : 0;
    const row = min(firstRow(record, point, first), padded - six - four - two);
    const pairs = pairsAt(along, point);
    for (let pair = 0; pair < pairs; pair++) {
      store<u32>(to, <u32>(<usize>point * mPlane + <usize>row * M_STEP));
      store<u32>(to, <u32>(<usize>six * M_STEP), 4);
      store<u32>(to, <u32>(<usize>four * M_STEP), 8);
      store<u32>(to, <u32>(<usize>two * M_STEP), 12);
      store<u32>(to, <u32>row, 16);
      store<u32>(to, <u32>(<usize>filterAt(along, point, pair) * TURN_PLANE), 20);
      store<u32>(to, planeAt(along, point, pair), 24);
      to += ENTRY;
      all += six + four + two;
    }
  }
  return all;
}

/** V of some turns' channels, rows by pointers, to where turns read it: [turn][plane][block][channel][6, 4 or 2]. Returns its end. */
export function gatherSlice(channels: i32, table: usize, blocks: usize, end: usize, vPlane: usize, to: usize): usize {
  for (let channel: usize = 0; channel < <usize>channels; channel += TURN) {
    for (let entry = blocks; entry < end; entry += ENTRY) {
      const six = <i32>(load<u32>(entry, 4) / (6 * <u32>M_STEP));
      const four = <i32>(load<u32>(entry, 8) / (4 * <u32>M_STEP));
      let from = table + (<usize>load<u32>(entry, 16) << 2);
      const offset = <usize>load<u32>(entry, 24) * vPlane + (channel << 2);
      if (six) gatherRows(from, 6, six, 1, TURN, offset, to);
      from += <usize>six * 24;
      to += <usize>(six * TURN) * 24;
      if (four) gatherRows(from, 4, four, 1, TURN, offset, to);
      from += <usize>four << 4;
      to += <usize>(four * TURN) << 4;
      if (load<u32>(entry, 12)) {
        gatherTwo(<usize>load<u32>(from) + offset, <usize>load<u32>(from, 4) + offset, to);
        to += <usize>TURN << 3;
      }
    }
  }
  return to;
}

/** A turn's channels of two rows, to [channel][2]. */
function gatherTwo(a0: usize, a1: usize, to: usize): void {
  for (const end = to + (<usize>TURN << 3); to < end; to += 32) {
    const r0 = v128.load(a0);
    const r1 = v128.load(a1);
    v128.store(to, i32x4.shuffle(r0, r1, 0, 4, 1, 5));
    v128.store(to, i32x4.shuffle(r0, r1, 2, 6, 3, 7), 16);
    a0 += 16;
    a1 += 16;
  }
}

/**
 * M = V U of one panel, 8 columns, at the places in `blocks`, [row][M_STEP bytes]. V has `rows` rows in all planes together. `u` has
 * room for two turns' filters (double buffering). The first panel makes its own first turn's filters. Each panel but the last makes
 * those of the next panel, at `u` plus the returned offset, which the next call takes as `half`.
 */
export function multiplyTurns(
  strided: bool,
  a: usize,
  blocks: usize,
  last: usize,
  rows: i32,
  panel: usize,
  channels: i32,
  isFirst: bool,
  hasNext: bool,
  u: usize,
  half: usize,
  m: usize,
): usize {
  const tap = <usize>channels << 5;
  if (isFirst) {
    // A turn without rows: it only makes filters.
    const none = u + TURN_FILTERS;
    const bytes = last - blocks;
    memory.fill(none, 0, bytes);
    turn(strided, none, none + bytes, a, u, m, panel, panel + TURN_PLANE, tap, u);
  }
  const bytes = <usize>(TURN * rows) << 2;
  clear(m, blocks, last);
  for (let from = panel + TURN_PLANE, end = panel + tap; from <= end; from += TURN_PLANE) {
    const next = from < end ? from : panel + 9 * tap;
    const stop = from < end || hasNext ? next + TURN_PLANE : next;
    turn(strided, blocks, last, a, u + half, m, next, stop, tap, u + (TURN_FILTERS - half));
    half = TURN_FILTERS - half;
    a += bytes;
  }
  return half;
}

function clear(m: usize, blocks: usize, last: usize): void {
  const zero = f32x4.splat(0);
  let before: u32 = -1;
  for (; blocks < last; blocks += ENTRY) {
    const offset = load<u32>(blocks);
    if (offset == before) continue;
    before = offset;
    let at = m + <usize>offset;
    const bytes = <usize>(load<u32>(blocks, 4) + load<u32>(blocks, 8) + load<u32>(blocks, 12));
    for (const end = at + bytes; at < end; at += M_STEP) {
      v128.store(at, zero);
      v128.store(at, zero, 16);
    }
  }
}

/** M += V U of all planes and one turn's channels; after a plane, one vector of the next turn's filters is made. */
function turn(
  strided: bool,
  blocks: usize,
  last: usize,
  a: usize,
  u: usize,
  m: usize,
  from: usize,
  stop: usize,
  tap: usize,
  to: usize,
): void {
  for (; blocks < last; blocks += ENTRY) {
    const b = u + <usize>load<u32>(blocks, 20);
    const end = b + TURN_PLANE;
    let c = m + <usize>load<u32>(blocks);
    for (const below = c + <usize>load<u32>(blocks, 4); c < below; c += 6 * M_STEP) {
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
    for (const below = c + <usize>load<u32>(blocks, 8); c < below; c += 4 * M_STEP) {
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
    if (load<u32>(blocks, 12)) {
      multiplyTwo(a, b, c);
      a += <usize>TURN << 3;
    }
    if (from < stop) {
      if (strided) transformFilterStride2<Turn>(from, tap, to);
      else transformFilter<Turn>(from, tap, to);
      from += 16;
      to += 16;
    }
  }
}

/** Products of two rows. Even and odd channels have separate sums: four chains of multiply-adds alone would be bound by latency. */
// @ts-ignore: decorator
@inline
function multiplyTwo(a: usize, b: usize, c: usize): void {
  let s00 = v128.load(c);
  let s01 = v128.load(c, 16);
  let s10 = v128.load(c, M_STEP);
  let s11 = v128.load(c, M_STEP + 16);
  let t00 = f32x4.splat(0);
  let t01 = t00;
  let t10 = t00;
  let t11 = t00;
  for (const end = b + TURN_PLANE; b < end; b += 64) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    let row = v128.load32_splat(a);
    s00 = madd(row, b0, s00);
    s01 = madd(row, b1, s01);
    row = v128.load32_splat(a, 4);
    s10 = madd(row, b0, s10);
    s11 = madd(row, b1, s11);
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    row = v128.load32_splat(a, 8);
    t00 = madd(row, b0, t00);
    t01 = madd(row, b1, t01);
    row = v128.load32_splat(a, 12);
    t10 = madd(row, b0, t10);
    t11 = madd(row, b1, t11);
    a += 16;
  }
  v128.store(c, f32x4.add(s00, t00));
  v128.store(c, f32x4.add(s01, t01), 16);
  v128.store(c, f32x4.add(s10, t10), M_STEP);
  v128.store(c, f32x4.add(s11, t11), M_STEP + 16);
}
