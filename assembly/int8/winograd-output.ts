import { Field, WinogradField } from "../shared/record";
import { FILTERED_SUMS } from "../shared/sizes";
import { word } from "../base/words";
import { put2x8 } from "./store";
import { put } from "./winograd-input";

/** The intermediate, [row][column][8] of i32: from a column, and a row, of it to the next. */
const COLUMN: usize = 32;
const ROW: usize = 6 * COLUMN;
/** 9 times this is 1 modulo 2^32. */
const NINTH: i32 = 0x38e38e39;
/** A tile's sums, [row][column][8] of i32. */
const SUMS: usize = FILTERED_SUMS;

/**
 * Y = A'MA of F(4x4,3x3) for `count` tiles from `first`, of one panel: M has a plane for each point, [tile][8] of i32. Filters were
 * scaled by 24 along either axis, so that this makes 576 Y, modulo 2^32, as all sums here are. Multiplied by the inverse of 9, which is
 * odd, it is 64 Y, exactly where |64 Y| < 2^31; 231 channels cannot reach that.
 *
 * `sums`: the tiles' sums over channels before these, [tile][4][4][8], of which there are some where `adds`. Where channels are to follow,
 * which `isLast` tells, the sums are left there; else the output's pixels are made of them, at `c`.
 */
export function qs8_winograd_output(
  record: usize,
  first: i32,
  count: i32,
  m: usize,
  plane: usize,
  sums: usize,
  adds: bool,
  isLast: bool,
  scales: usize,
  c: usize,
  residual: usize,
  factor: f32,
  least: i32,
  work: usize,
): void {
  const width = word(record, Field.outWidth);
  const height = word(record, Field.outHeight);
  const tilesWide = word(record, WinogradField.tilesWide);
  const step = <usize>word(record, Field.outStep) << 2;
  let tileY = first / tilesWide;
  let tileX = first - tileY * tilesWide;
  for (let index = 0; index < count; index++) {
    for (let column: usize = 0; column < 6; column++) {
      const from = m + column * plane;
      sumDown(from, 6 * plane, work + column * COLUMN);
    }
    const rows = isLast ? min(4, height - 4 * tileY) : 4;
    const columns = width - 4 * tileX;
    let pixel = c + <usize>(4 * (tileY * width + tileX)) * step;
    for (let row = 0; row < rows; row++) {
      const from = work + <usize>row * ROW;
      const to = sums + <usize>row * (4 * COLUMN);
      sumAcross(from, to, adds);
      if (isLast) {
        for (let at: usize = 0; at < 2; at++) {
          const source = to + at * (2 * COLUMN);
          put2x8(
            pixel + 2 * at * step, step, columns - 2 * <i32>at,
            v128.load(source), v128.load(source, 16),
            v128.load(source, 32), v128.load(source, 48),
            scales, 8, residual, factor, least,
          );
        }
        pixel += <usize>width * step;
      }
    }
    m += COLUMN;
    // Sums that nothing is added to are used at once.
    if (adds || !isLast) sums += SUMS;
    tileX++;
    if (tileX == tilesWide) {
      tileX = 0;
      tileY++;
    }
  }
}

/** A'm of six rows of points to four rows of the intermediate: of a pair of vectors, side by side for engines that fuse such. */
// @ts-ignore: decorator
@inline
function sumDown(m0: usize, step: usize, to: usize): void {
  const m1 = m0 + step;
  const m2 = m1 + step;
  const m3 = m2 + step;
  const m4 = m3 + step;
  const m5 = m4 + step;
  const a1 = v128.load(m1), b1 = v128.load(m1, 16);
  const a2 = v128.load(m2), b2 = v128.load(m2, 16);
  const even = i32x4.add(a1, a2), even2 = i32x4.add(b1, b2);
  const odd = i32x4.sub(a1, a2), odd2 = i32x4.sub(b1, b2);
  const a3 = v128.load(m3), b3 = v128.load(m3, 16);
  const a4 = v128.load(m4), b4 = v128.load(m4, 16);
  const sum = i32x4.add(a3, a4), sum2 = i32x4.add(b3, b4);
  const half = i32x4.sub(a3, a4), half2 = i32x4.sub(b3, b4);
  const twice = i32x4.add(half, half), twice2 = i32x4.add(half2, half2);
  const a0 = v128.load(m0), b0 = v128.load(m0, 16);
  const a5 = v128.load(m5), b5 = v128.load(m5, 16);
  put(to, i32x4.add(i32x4.add(a0, even), sum), i32x4.add(i32x4.add(b0, even2), sum2));
  put(to + ROW, i32x4.add(odd, twice), i32x4.add(odd2, twice2));
  put(to + 2 * ROW, i32x4.add(even, i32x4.shl(sum, 2)), i32x4.add(even2, i32x4.shl(sum2, 2)));
  put(
    to + 3 * ROW,
    i32x4.add(i32x4.add(odd, i32x4.shl(twice, 2)), i32x4.add(a5, a5)),
    i32x4.add(i32x4.add(odd2, i32x4.shl(twice2, 2)), i32x4.add(b5, b5)),
  );
}

/** A'm of six columns of the intermediate to four pixels' sums, of a pair of vectors; `adds` to what is there. */
// @ts-ignore: decorator
@inline
function sumAcross(from: usize, to: usize, adds: bool): void {
  const a1 = v128.load(from, COLUMN), b1 = v128.load(from, COLUMN + 16);
  const a2 = v128.load(from, 2 * COLUMN), b2 = v128.load(from, 2 * COLUMN + 16);
  const even = i32x4.add(a1, a2), even2 = i32x4.add(b1, b2);
  const odd = i32x4.sub(a1, a2), odd2 = i32x4.sub(b1, b2);
  const a3 = v128.load(from, 3 * COLUMN), b3 = v128.load(from, 3 * COLUMN + 16);
  const a4 = v128.load(from, 4 * COLUMN), b4 = v128.load(from, 4 * COLUMN + 16);
  const sum = i32x4.add(a3, a4), sum2 = i32x4.add(b3, b4);
  const half = i32x4.sub(a3, a4), half2 = i32x4.sub(b3, b4);
  const twice = i32x4.add(half, half), twice2 = i32x4.add(half2, half2);
  const a0 = v128.load(from), b0 = v128.load(from, 16);
  const a5 = v128.load(from, 5 * COLUMN), b5 = v128.load(from, 5 * COLUMN + 16);
  finish(to, i32x4.add(i32x4.add(a0, even), sum), i32x4.add(i32x4.add(b0, even2), sum2), adds);
  finish(to + COLUMN, i32x4.add(odd, twice), i32x4.add(odd2, twice2), adds);
  finish(to + 2 * COLUMN, i32x4.add(even, i32x4.shl(sum, 2)), i32x4.add(even2, i32x4.shl(sum2, 2)), adds);
  finish(
    to + 3 * COLUMN,
    i32x4.add(i32x4.add(odd, i32x4.shl(twice, 2)), i32x4.add(a5, a5)),
    i32x4.add(i32x4.add(odd2, i32x4.shl(twice2, 2)), i32x4.add(b5, b5)),
    adds,
  );
}

/** Stores 576 times a pair of sums, modulo 2^32, as the sums; `adds` to what is there. */
// @ts-ignore: decorator
@inline
function finish(to: usize, value: v128, value2: v128, adds: bool): void {
  let y = i32x4.shr_s(i32x4.mul(value, i32x4.splat(NINTH)), 6);
  let y2 = i32x4.shr_s(i32x4.mul(value2, i32x4.splat(NINTH)), 6);
  if (adds) {
    const before = v128.load(to), before2 = v128.load(to, 16);
    y = i32x4.add(y, before);
    y2 = i32x4.add(y2, before2);
  }
  put(to, y, y2);
}
