import { f32_gemm_4x8, f32_gemm_6x8 } from "./gemm";
import { f32_gemv_8 } from "./gemv";
import { f32_igemm_4x8, f32_igemm_6x8 } from "./igemm-8";
import { f32_igemm_4x16, f32_igemm_6x16 } from "./igemm-16";
import { Tile } from "./record";
import { gatherRows } from "./rows";

/** Against so many panels it pays to gather rows: one stream that prefetchers follow, and one pointer that walks it. */
const GATHER_PANELS: i32 = 8;

/**
 * C = max(A B + bias + R, least) for `rows` rows against `panels` panels of 8 columns, with the tile that was chosen.
 *
 * A's rows are by pointers, `taps` pieces of `depth` elements each, laid out in `table` by `pointerAt`, each plus `offset`.
 * B is [panel][tap][depth][8]; each panel's bias lies `biasStep` bytes after the one before. C's rows are `step` bytes apart;
 * `columns` of them exist. `work` has room for `paddedRows` rows: without fused multiply-adds the front end and not arithmetic
 * is what limits the loop, and there rows are always gathered.
 */
export function multiply(
  tile: i32,
  table: usize,
  rows: i32,
  taps: i32,
  depth: i32,
  offset: usize,
  work: usize,
  b: usize,
  panels: i32,
  bias: usize,
  biasStep: usize,
  c: usize,
  step: usize,
  columns: i32,
  residual: usize,
  least: f32,
): void {
  if (!ASC_FEATURE_RELAXED_SIMD || (panels >= GATHER_PANELS && tile != Tile.f32_6x16)) {
    gather(tile, table, rows, taps, depth, offset, work);
    const total = taps * depth;
    const bStep = <usize>total << 5;
    multiplyGathered(tile, work, rows, rows, total, b, bStep, panels, bias, biasStep, 0, 0, c, step, columns, residual, least);
    return;
  }
  const six = min(rows, 6 * sixes(tile, rows));
  const one = hasOne(tile, rows) ? 1 : 0;
  const rest = rows - six - one;
  const after = pointerAt(table, tile, rows, taps, six);
  const below = <usize>six * step;
  const last = <usize>(rows - 1) * step;
  const panelBytes = <usize>(taps * depth) << 5;
  if (one) gatherRows(pointerAt(table, tile, rows, taps, rows - 1), 1, 1, taps, depth, offset, work);
  while (panels > 0) {
    if (one) {
      f32_gemv_8(work, taps * depth, b, bias, 0, c + last, columns, residual, least);
      if (tile == Tile.f32_6x16 && panels > 1) {
        f32_gemv_8(work, taps * depth, b + panelBytes, bias + biasStep, 0, c + last + 32, columns - 8, residual, least);
      }
    }
    if (tile == Tile.f32_6x16 && panels > 1) {
      f32_igemm_6x16(table, taps, depth, offset, b, panelBytes, bias, c, step, six, columns, residual, least);
      const d = c + below;
      f32_igemm_4x16(after, taps, depth, offset, b, panelBytes, bias, d, step, rest, columns, residual, least);
      b += 2 * panelBytes;
      bias += 2 * biasStep;
      c += 64;
      columns -= 16;
      panels -= 2;
      continue;
    }
    if (six) f32_igemm_6x8(table, taps, depth, offset, b, bias, c, step, six, columns, residual, least);
    if (rest) f32_igemm_4x8(after, taps, depth, offset, b, bias, c + below, step, rest, columns, residual, least);
    b += panelBytes;
    bias += biasStep;
    c += 32;
    columns -= 8;
    panels--;
  }
}

/** Rows by pointers to blocks of six, of four and of one, [block][tap][depth][6, 4 or 1], as `multiplyGathered` reads them. */
export function gather(
  tile: i32,
  table: usize,
  rows: i32,
  taps: i32,
  depth: i32,
  offset: usize,
  to: usize,
): void {
  const six = sixes(tile, rows);
  const one = hasOne(tile, rows) ? 1 : 0;
  if (six) gatherRows(table, 6, six, taps, depth, offset, to);
  const rest = rows - 6 * six - one;
  to += <usize>(six * taps * depth) * 24;
  if (rest > 0) {
    const fours = (rest + 3) >> 2;
    gatherRows(pointerAt(table, tile, rows, taps, 6 * six), 4, fours, taps, depth, offset, to);
    to += <usize>(fours * taps * depth) << 4;
  }
  if (one) gatherRows(pointerAt(table, tile, rows, taps, rows - 1), 1, 1, taps, depth, offset, to);
}

/** As `multiply`, on gathered rows of `depth` elements; panels are `bStep` bytes apart. */
export function multiplyGathered(
  tile: i32,
  a: usize,
  rows: i32,
  kept: i32,
  depth: i32,
  b: usize,
  bStep: usize,
  panels: i32,
  bias: usize,
  biasStep: usize,
  from: usize,
  fromStep: usize,
  c: usize,
  step: usize,
  columns: i32,
  residual: usize,
  least: f32,
): void {
  const blocks = sixes(tile, rows);
  const six = min(kept, 6 * blocks);
  const one = kept == rows && hasOne(tile, rows);
  const rest = kept - six - (one ? 1 : 0);
  const below = <usize>six * step;
  const sixBytes = <usize>depth * 24;
  const fourBytes = <usize>depth << 4;
  const after = a + <usize>blocks * sixBytes;
  const single = a + (<usize>((rows - 1) * depth) << 2);
  const last = <usize>(rows - 1) * step;
  while (panels > 0) {
    const d = c + below;
    const under = from ? from + <usize>six * fromStep : 0;
    if (ASC_FEATURE_RELAXED_SIMD && six) {
      f32_gemm_6x8(a, sixBytes, depth, b, bias, from, fromStep, c, step, six, columns, residual, least);
    }
    if (rest) f32_gemm_4x8(after, fourBytes, depth, b, bias, under, fromStep, d, step, rest, columns, residual, least);
    if (one) {
      const sums = from ? from + <usize>(rows - 1) * fromStep : 0;
      f32_gemv_8(single, depth, b, bias, sums, c + last, columns, residual, least);
    }
    b += bStep;
    bias += biasStep;
    c += 32;
    if (from) from += 32;
    columns -= 8;
    panels--;
  }
}

/** Blocks of six rows, the rest being fours and a row alone: as many sixes as leave the fewest rows that are not there. */
export function sixes(tile: i32, rows: i32): i32 {
  if (tile == Tile.f32_4x8) return 0;
  const left = rows % 6;
  const whole = rows / 6;
  if (left == 5) return whole + 1;
  return left == 2 ? max(whole - 1, 0) : whole;
}

/** Whether the last row is alone, in no block. */
// @ts-ignore: decorator
@inline
function hasOne(tile: i32, rows: i32): bool {
  return (max(rows - 6 * sixes(tile, rows), 0) & 3) == 1;
}

/** Rows with those that are not there: what a table must have pointers for. At most the next multiple of four. */
export function paddedRows(tile: i32, rows: i32): i32 {
  if (hasOne(tile, rows)) return rows;
  const six = 6 * sixes(tile, rows);
  return six + ((max(rows - six, 0) + 3) & ~3);
}

/** Where the pointer of row `index`'s first piece goes; the next piece's is `pointerStep` bytes further. Blocks: [tap][6, 4 or 1]. */
export function pointerAt(table: usize, tile: i32, rows: i32, taps: i32, index: i32): usize {
  const six = 6 * sixes(tile, rows);
  if (index < six) {
    const block = index / 6;
    return table + (<usize>(block * taps * 6 + index - block * 6) << 2);
  }
  if (index == rows - 1 && hasOne(tile, rows)) return table + (<usize>(index * taps) << 2);
  const left = index - six;
  return table + (<usize>(six * taps + (left >> 2) * taps * 4 + (left & 3)) << 2);
}

export function pointerStep(tile: i32, rows: i32, index: i32): usize {
  if (index < 6 * sixes(tile, rows)) return 24;
  return index == rows - 1 && hasOne(tile, rows) ? 4 : 16;
}
