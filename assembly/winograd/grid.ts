import { Field, WinogradField } from "../shared/record";
import { word } from "../base/words";

/**
 * The grid of F(4x4)'s tiles over an image whose sides need not be multiples of four.
 *
 * A tile of the last row or column that has r < 4 outputs along an axis needs r + 2 points there: F(r,3) on the first of 0, 1,
 * -1, 2, -2, infinity (Lavin & Gray 2016, section 4.1, for any m). Samples that none of its outputs depends on are free, and
 * with those that make the products at the other points vanish (`extrapolate` in f4x4.ts) both transforms stay what
 * they are: such a tile has no row in the matrix products of those points. On 14x14 outputs that saves a sixth of all products.
 * With a stride of 2 it is r + 1 points, the first of 2, 1, -1, 0, infinity (stride2.ts).
 *
 * Tiles are numbered so that the rows of each point are neighbours: the last column but for its corner, whole tiles, the last
 * row, the corner. In a stack each of these groups has that of every picture.
 */

/** Whether the convolution has a stride of 2. */
// @ts-ignore: decorator
@inline
export function isStrided(record: usize): bool {
  return word(record, WinogradField.strideHeight) == 2;
}

/** Points along one axis of a whole tile. */
// @ts-ignore: decorator
@inline
export function pointsAlong(record: usize): i32 {
  return isStrided(record) ? 5 : 6;
}

/** Points along one axis of a tile before which so many outputs are left. */
// @ts-ignore: decorator
@inline
function pointsOf(record: usize, left: i32): i32 {
  return pointsAlong(record) - 4 + min(4, left);
}

/** Points down of the tiles in row `y`. */
export function pointsDown(record: usize, y: i32): i32 {
  return pointsOf(record, word(record, WinogradField.pictureHeight) - 4 * (y % word(record, WinogradField.pictureTiles)));
}

/** Points across of the tiles in column `x`. */
export function pointsAcross(record: usize, x: i32): i32 {
  return pointsOf(record, word(record, Field.outWidth) - 4 * x);
}

/** All ones where an image of that size has a row or column of that number. */
// @ts-ignore: decorator
@inline
export function inside(at: i32, size: i32): usize {
  return <u32>at < <u32>size ? <usize>-1 : 0;
}

/** Columns of whole tiles. */
export function wholeAcross(record: usize): i32 {
  return word(record, Field.outWidth) >> 2;
}

/** Rows of whole tiles in a picture. */
// @ts-ignore: decorator
@inline
function wholeDown(record: usize): i32 {
  return word(record, WinogradField.pictureHeight) >> 2;
}

/** Pictures that lie one above the other. */
function picturesOf(record: usize): i32 {
  return word(record, WinogradField.tilesHigh) / word(record, WinogradField.pictureTiles);
}

/** Row times `tilesWide` plus column of the tile with this number. */
export function tileAt(record: usize, index: i32): i32 {
  const tilesWide = word(record, WinogradField.tilesWide);
  const tiles = word(record, WinogradField.pictureTiles);
  const whole = wholeAcross(record);
  const high = wholeDown(record);
  const pictures = picturesOf(record);
  // The tile's group has `across` by `down` tiles of each picture, from its column `x` and row `top` on.
  let across = tilesWide - whole;
  let down = high;
  let x = whole;
  let top = 0;
  for (let group = 0; index >= pictures * down * across; group++) {
    index -= pictures * down * across;
    if (group == 1) {
      down = 1;
      top = high;
    } else {
      across = tilesWide - across;
      x = whole - x;
    }
  }
  const row = index / across;
  const y = (row / down) * tiles + top + (row % down);
  return y * tilesWide + x + index - row * across;
}

/** The first row of a point's product, of tiles from `first` on. */
export function firstRow(record: usize, point: i32, first: i32): i32 {
  if (point % pointsAlong(record) < pointsAcross(record, word(record, WinogradField.tilesWide) - 1)) return 0;
  return max(0, picturesOf(record) * wholeDown(record) - first);
}

/** How many rows a point's product has, of `count` tiles from `first`. */
export function rowsAt(record: usize, point: i32, first: i32, count: i32): i32 {
  const tilesWide = word(record, WinogradField.tilesWide);
  const tilesHigh = word(record, WinogradField.tilesHigh);
  const along = pointsAlong(record);
  const pictures = picturesOf(record);
  const last = pointsDown(record, tilesHigh - 1);
  let end = tilesWide * tilesHigh;
  if (point / along >= last) end -= pictures * tilesWide;
  else if (last < along && point % along >= pointsAcross(record, tilesWide - 1)) end -= pictures;
  return max(0, min(end - first, count) - firstRow(record, point, first));
}
