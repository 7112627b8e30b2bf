import { Field, WinogradField } from "../shared/record";
import { FILTERED_SUMS } from "../shared/sizes";
import { word } from "../base/words";
import { put2x8 } from "./store";

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
      sumDown(from + 16, 6 * plane, work + column * COLUMN + 16);
    }
    const rows = isLast ? min(4, height - 4 * tileY) : 4;
    const columns = width - 4 * tileX;
    let pixel = c + <usize>(4 * (tileY * width + tileX)) * step;
    for (let row = 0; row < rows; row++) {
      const from = work + <usize>row * ROW;
      const to = sums + <usize>row * (4 * COLUMN);
      sumAcross(from, to, adds);
      sumAcross(from + 16, to + 16, adds);
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

/** A'm of six rows of points to four rows of the intermediate, of one vector. */
// @ts-ignore: decorator
@inline
function sumDown(from: usize, step: usize, to: usize): void {
  const m0 = v128.load(from);
  from += step;
  const m1 = v128.load(from);
  from += step;
  const m2 = v128.load(from);
  from += step;
  const m3 = v128.load(from);
  from += step;
  const m4 = v128.load(from);
  const m5 = v128.load(from + step);
  const sum12 = i32x4.add(m1, m2);
  const difference12 = i32x4.sub(m1, m2);
  const sum34 = i32x4.add(m3, m4);
  const half34 = i32x4.sub(m3, m4);
  const difference34 = i32x4.add(half34, half34);
  v128.store(to, i32x4.add(i32x4.add(m0, sum12), sum34));
  v128.store(to, i32x4.add(difference12, difference34), ROW);
  v128.store(to, i32x4.add(sum12, i32x4.shl(sum34, 2)), 2 * ROW);
  v128.store(to, i32x4.add(i32x4.add(difference12, i32x4.shl(difference34, 2)), i32x4.add(m5, m5)), 3 * ROW);
}

/** A'm of six columns of the intermediate to four pixels' sums, of one vector; `adds` to what is there. */
// @ts-ignore: decorator
@inline
function sumAcross(from: usize, to: usize, adds: bool): void {
  const m1 = v128.load(from, COLUMN);
  const m2 = v128.load(from, 2 * COLUMN);
  const m3 = v128.load(from, 3 * COLUMN);
  const m4 = v128.load(from, 4 * COLUMN);
  const m5 = v128.load(from, 5 * COLUMN);
  const sum12 = i32x4.add(m1, m2);
  const difference12 = i32x4.sub(m1, m2);
  const sum34 = i32x4.add(m3, m4);
  const half34 = i32x4.sub(m3, m4);
  const difference34 = i32x4.add(half34, half34);
  let y0 = whole(i32x4.add(i32x4.add(v128.load(from), sum12), sum34));
  let y1 = whole(i32x4.add(difference12, difference34));
  let y2 = whole(i32x4.add(sum12, i32x4.shl(sum34, 2)));
  let y3 = whole(i32x4.add(i32x4.add(difference12, i32x4.shl(difference34, 2)), i32x4.add(m5, m5)));
  if (adds) {
    y0 = i32x4.add(y0, v128.load(to));
    y1 = i32x4.add(y1, v128.load(to, COLUMN));
    y2 = i32x4.add(y2, v128.load(to, 2 * COLUMN));
    y3 = i32x4.add(y3, v128.load(to, 3 * COLUMN));
  }
  v128.store(to, y0);
  v128.store(to, y1, COLUMN);
  v128.store(to, y2, 2 * COLUMN);
  v128.store(to, y3, 3 * COLUMN);
}

/** 576 times a sum, modulo 2^32, to the sum. */
// @ts-ignore: decorator
@inline
function whole(value: v128): v128 {
  return i32x4.shr_s(i32x4.mul(value, i32x4.splat(NINTH)), 6);
}
