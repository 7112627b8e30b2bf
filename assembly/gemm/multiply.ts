import { f32_gemm_4x8, f32_gemm_6x8 } from "./gemm";
import { f32_gemv, GEMV_PANELS } from "./gemv";
import { f32_igemm_4x8, f32_igemm_6x8 } from "./igemm-8";
import { f32_igemm_4x16, f32_igemm_6x16 } from "./igemm-16";
import { Tile } from "../shared/record";
import { gatherRows } from "./rows";

/** From this many panels on, gathering rows (im2col) pays: they become one stream for the hardware prefetcher, walked by one pointer. */
const GATHER_PANELS: i32 = 12;

/** Panels of f32 that a tile takes at a time. Modules with integers have too few f32 layers for tiles of two to be worth their bytes. */
// @ts-ignore: decorator
@inline
export function panelsTogether(tile: i32): i32 {
  return !QUANTIZED && tile == Tile.f32_6x16 ? 2 : 1;
}

/**
 * C = max(A B + bias + R, least) for `rows` rows against `panels` panels of 8 columns, with the tile that was chosen.
 *
 * A row of A is `taps` runs of `depth` elements. `table` has pointers to them by blocks (`blockHeight`); `offset` is added to each.
 * B is [panel][tap][depth][8]; the biases of two panels are `biasStep` bytes apart. Rows of C are `step` bytes apart and have `columns`
 * columns. `work` has room for `paddedRows` gathered rows. Without fused multiply-adds rows are always gathered: there instruction
 * decoding limits the loop, not arithmetic.
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
  const one = hasOne(tile, rows - six) ? 1 : 0;
  const rest = rows - six - one;
  const after = table + (<usize>(six * taps) << 2);
  const below = <usize>six * step;
  const panelBytes = <usize>(taps * depth) << 5;
  if (one) gatherRows(table + (<usize>((rows - 1) * taps) << 2), 1, 1, taps, depth, offset, work);
  const toLast = <usize>(rows - 1) * step;
  for (let waiting = 0; panels > 0; ) {
    const pair = panelsTogether(tile) == 2 && panels > 1;
    const taken = pair ? 2 : 1;
    const d = c + below;
    if (pair) {
      f32_igemm_6x16(table, taps, depth, offset, b, panelBytes, bias, c, step, six, columns, residual, least);
      f32_igemm_4x16(after, taps, depth, offset, b, panelBytes, bias, d, step, rest, columns, residual, least);
    } else {
      if (!QUANTIZED && six) f32_igemm_6x8(table, taps, depth, offset, b, bias, c, step, six, columns, residual, least);
      if (rest) f32_igemm_4x8(after, taps, depth, offset, b, bias, d, step, rest, columns, residual, least);
    }
    b += <usize>taken * panelBytes;
    bias += <usize>taken * biasStep;
    c += <usize>taken << 5;
    columns -= taken << 3;
    panels -= taken;
    waiting += taken;
    if (!one || (waiting < GEMV_PANELS && panels > 0)) continue;
    lastRow(work, taps * depth, b, panelBytes, waiting, bias, biasStep, 0, c + toLast, columns, residual, least);
    waiting = 0;
  }
}

/** The single remaining row, against the `panels` panels that end at the given addresses. */
// @ts-ignore: decorator
@inline
function lastRow(
  a: usize,
  depth: i32,
  b: usize,
  bStep: usize,
  panels: i32,
  bias: usize,
  biasStep: usize,
  from: usize,
  c: usize,
  columns: i32,
  residual: usize,
  least: f32,
): void {
  const count = <usize>panels;
  b -= count * bStep;
  bias -= count * biasStep;
  if (from) from -= count << 5;
  f32_gemv(a, depth, b, bStep, panels, bias, biasStep, from, c - (count << 5), columns + (panels << 3), residual, least);
}

/** Gathers rows into blocks of six, four and one, [block][tap][depth][6, 4 or 1], as `multiplyGathered` reads them. */
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
  const one = hasOne(tile, rows - 6 * six) ? 1 : 0;
  if (!QUANTIZED && six) gatherRows(table, 6, six, taps, depth, offset, to);
  const rest = rows - 6 * six - one;
  to += <usize>(six * taps * depth) * 24;
  if (rest > 0) {
    const fours = (rest + 3) >> 2;
    gatherRows(table + (<usize>(6 * six * taps) << 2), 4, fours, taps, depth, offset, to);
    to += <usize>(fours * taps * depth) << 4;
  }
  if (one) gatherRows(table + (<usize>((rows - 1) * taps) << 2), 1, 1, taps, depth, offset, to);
}

/**
 * As `multiply`, on gathered rows of `depth` elements, of which the first `kept` are stored; panels are `bStep` bytes apart. `from`:
 * sums that the products are added to, rows of them `fromStep` bytes apart, or 0.
 */
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
  const one = kept == rows && hasOne(tile, rows - 6 * blocks);
  const rest = kept - six - (one ? 1 : 0);
  const below = <usize>six * step;
  const sixBytes = <usize>depth * 24;
  const fourBytes = <usize>depth << 4;
  const after = a + <usize>blocks * sixBytes;
  const single = a + (<usize>((rows - 1) * depth) << 2);
  const toLast = <usize>(rows - 1) * step;
  for (let waiting = 0; panels > 0; ) {
    const d = c + below;
    const under = from ? from + <usize>six * fromStep : 0;
    if (ASC_FEATURE_RELAXED_SIMD && !QUANTIZED && six) {
      f32_gemm_6x8(a, sixBytes, depth, b, bias, from, fromStep, c, step, six, columns, residual, least);
    }
    if (rest) f32_gemm_4x8(after, fourBytes, depth, b, bias, under, fromStep, d, step, rest, columns, residual, least);
    b += bStep;
    bias += biasStep;
    c += 32;
    if (from) from += 32;
    columns -= 8;
    panels--;
    waiting++;
    if (!one || (waiting < GEMV_PANELS && panels > 0)) continue;
    const sums = from ? from + <usize>(rows - 1) * fromStep : 0;
    lastRow(single, depth, b, bStep, waiting, bias, biasStep, sums, c + toLast, columns, residual, least);
    waiting = 0;
  }
}

/**
 * How many blocks of six rows to take. Fours and at most one single row take the rest; the count leaves the fewest padding rows. Modules
 * with integers have one tile for their few f32 layers, of four rows.
 */
// @ts-ignore: decorator
@inline
export function sixes(tile: i32, rows: i32): i32 {
  if (QUANTIZED ? tile != Tile.qs8_6x8 && tile != Tile.qs8_6x16 : tile == Tile.f32_4x8) return 0;
  const left = rows % 6;
  const whole = rows / 6;
  if (left == 5) return whole + 1;
  if (QUANTIZED && left == 1) return max(whole - 1, 0);
  return left == 2 ? max(whole - 1, 0) : whole;
}

/** Blocks that rows are divided into, without a single remaining row. */
export function blocksOf(tile: i32, rows: i32): i32 {
  const six = sixes(tile, rows);
  return six + (max(rows - 6 * six, 0) + 2) / 4;
}

/** Whether one row remains beside the blocks, of the rows that sixes leave. */
// @ts-ignore: decorator
@inline
function hasOne(tile: i32, rest: i32): bool {
  if (QUANTIZED && tile >= Tile.qs8_4x8) return false;
  return rest > 0 && (rest & 3) == 1;
}

/** Rows with padding rows: the count of pointers that a table must have. At most the next multiple of four. */
export function paddedRows(tile: i32, rows: i32): i32 {
  const six = 6 * sixes(tile, rows);
  return hasOne(tile, rows - six) ? rows : six + ((max(rows - six, 0) + 3) & ~3);
}

/** Rows of the block that begins with row `first`: its pointers are [tap][row], as `multiply` reads them. */
export function blockHeight(tile: i32, rows: i32, first: i32): i32 {
  const six = 6 * sixes(tile, rows);
  if (first < six) return 6;
  return first == rows - 1 && hasOne(tile, rows - six) ? 1 : 4;
}
