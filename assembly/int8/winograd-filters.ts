import { put } from "./winograd-input";

/**
 * U = G'gG of F(4x4,3x3) in i16, for `pairs` pairs of input channels of one panel. Source: bytes, nine taps that lie `tap` bytes apart,
 * [pair][8][2]. U has a plane for each point, of the same order. Eighteen pairs of vectors pass through `work`, [row][column].
 *
 * G's rows are scaled to whole numbers: (6, 0, 0), -4 (1, 1, 1), -4 (1, -1, 1), (1, 2, 4), (1, -2, 4) and (0, 0, 12), which are 24 times
 * those of Lavin & Gray, but the last, 12 times. They sum to 12 at most, so that -127..127 grows to at most 18,288: exact.
 */
export function qs8_winograd_filters(
  weights: usize,
  pairs: i32,
  tap: usize,
  u: usize,
  plane: usize,
  work: usize,
): void {
  for (const end = weights + (<usize>pairs << 4); weights < end; weights += 16, u += 32) {
    for (let column: usize = 0; column < 3; column++) {
      const g = weights + column * tap;
      const h = g + 3 * tap;
      const i = h + 3 * tap;
      spread(
        v128.load8x8_s(g), v128.load8x8_s(g, 8), v128.load8x8_s(h), v128.load8x8_s(h, 8), v128.load8x8_s(i), v128.load8x8_s(i, 8),
        work + (column << 5), 96,
      );
    }
    let to = u;
    for (let from = work; from < work + 6 * 96; from += 96) {
      spread(
        v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48), v128.load(from, 64), v128.load(from, 80),
        to, plane,
      );
      to += 6 * plane;
    }
  }
}

/** G of three taps, to six points `step` bytes apart: of adjacent vectors, side by side for engines that fuse such pairs. */
// @ts-ignore: decorator
@inline
function spread(g0: v128, h0: v128, g1: v128, h1: v128, g2: v128, h2: v128, to: usize, step: usize): void {
  put(to, i16x8.mul(g0, i16x8.splat(6)), i16x8.mul(h0, i16x8.splat(6)));
  let even = i16x8.shl(i16x8.add(g0, g2), 2), even2 = i16x8.shl(i16x8.add(h0, h2), 2);
  let odd = i16x8.shl(g1, 2), odd2 = i16x8.shl(h1, 2);
  put(to + step, i16x8.neg(i16x8.add(even, odd)), i16x8.neg(i16x8.add(even2, odd2)));
  put(to + 2 * step, i16x8.sub(odd, even), i16x8.sub(odd2, even2));
  even = i16x8.add(g0, i16x8.shl(g2, 2)), even2 = i16x8.add(h0, i16x8.shl(h2, 2));
  odd = i16x8.shl(g1, 1), odd2 = i16x8.shl(h1, 1);
  put(to + 3 * step, i16x8.add(even, odd), i16x8.add(even2, odd2));
  put(to + 4 * step, i16x8.sub(even, odd), i16x8.sub(even2, odd2));
  put(to + 5 * step, i16x8.mul(g2, i16x8.splat(12)), i16x8.mul(h2, i16x8.splat(12)));
}
