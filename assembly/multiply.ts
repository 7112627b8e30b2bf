import { f32_gemm_4x8 } from "./gemm";
import { f32_igemm_4x8, f32_igemm_6x8 } from "./igemm-8";
import { f32_igemm_4x16, f32_igemm_6x16 } from "./igemm-16";
import { Tile } from "./record";
import { gatherRows } from "./rows";

/**
 * C = max(A B + bias + R, least) for `rows` rows against `panels` panels of 8 columns, with the tile that was chosen.
 *
 * A's rows are by pointers, `taps` pieces of `depth` elements each, laid out in `table` by `pointerAt`, each plus `offset`.
 * B is [panel][tap][depth][8]; each panel's bias lies `biasStep` bytes after the one before. C's rows are `step` bytes apart;
 * `columns` of them exist. `work` has room for the rows: without fused multiply-adds the front end and not arithmetic is
 * what limits the loop, and there rows are gathered first, so that one pointer walks them.
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
  const panelBytes = <usize>(taps * depth) << 5;
  if (!ASC_FEATURE_RELAXED_SIMD) {
    gatherRows(table, (rows + 3) >> 2, taps, depth, offset, work);
    for (; panels > 0; panels--) {
      f32_gemm_4x8(work, panelBytes >> 1, taps * depth, b, bias, c, step, rows, columns, residual, least);
      b += panelBytes;
      bias += biasStep;
      c += 32;
      columns -= 8;
    }
    return;
  }
  const six = min(rows, 6 * sixes(tile, rows));
  const rest = rows - six;
  const after = pointerAt(table, tile, rows, taps, six);
  const below = <usize>six * step;
  while (panels > 0) {
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

/** Blocks of six rows, the rest being fours: as many sixes as leave the fewest rows that are not there. */
function sixes(tile: i32, rows: i32): i32 {
  if (tile == Tile.f32_4x8) return 0;
  const left = rows % 6;
  const whole = rows / 6;
  if (left == 5) return whole + 1;
  return left == 1 || left == 2 ? max(whole - 1, 0) : whole;
}

/** Rows with those that are not there: what a table must have pointers for. At most the next multiple of four. */
export function paddedRows(tile: i32, rows: i32): i32 {
  const six = 6 * sixes(tile, rows);
  return six + ((max(rows - six, 0) + 3) & ~3);
}

/** Where the pointer of row `index`'s first piece goes; the next piece's is `pointerStep` bytes further. Blocks: [tap][6 or 4]. */
export function pointerAt(table: usize, tile: i32, rows: i32, taps: i32, index: i32): usize {
  const six = 6 * sixes(tile, rows);
  if (index < six) {
    const block = index / 6;
    return table + (<usize>(block * taps * 6 + index - block * 6) << 2);
  }
  const left = index - six;
  return table + (<usize>(six * taps + (left >> 2) * taps * 4 + (left & 3)) << 2);
}

export function pointerStep(tile: i32, rows: i32, index: i32): usize {
  return index < 6 * sixes(tile, rows) ? 24 : 16;
}
