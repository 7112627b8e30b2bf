/**
 * U = G'gG of F(4x4,3x3) in i16, for `pairs` pairs of input channels of one panel. Source: bytes, nine taps that lie `tap` bytes apart,
 * [pair][8][2]. U has a plane for each point, of the same order.
 *
 * G's rows are scaled to whole numbers: (6, 0, 0), -4 (1, 1, 1), -4 (1, -1, 1), (1, 2, 4), (1, -2, 4) and (0, 0, 12), which are 24 times
 * those of Lavin & Gray, but the last, 12 times. They sum to 12 at most, so that -127..127 grows to at most 18,288: exact.
 */
export function qs8_winograd_filters(weights: usize, pairs: i32, tap: usize, u: usize, plane: usize): void {
  for (const end = weights + (<usize>pairs << 4); weights < end; weights += 8, u += 16) {
    const g1 = weights + tap;
    const g2 = g1 + tap;
    const g3 = g2 + tap;
    const g4 = g3 + tap;
    const g5 = g4 + tap;
    const g6 = g5 + tap;
    const g7 = g6 + tap;
    const g8 = g7 + tap;
    across(sixfold(v128.load8x8_s(weights)), sixfold(v128.load8x8_s(g1)), sixfold(v128.load8x8_s(g2)), u, plane);
    let to = u + 6 * plane;
    let e0 = fourfold(i16x8.add(v128.load8x8_s(weights), v128.load8x8_s(g6)));
    let e1 = fourfold(i16x8.add(v128.load8x8_s(g1), v128.load8x8_s(g7)));
    let e2 = fourfold(i16x8.add(v128.load8x8_s(g2), v128.load8x8_s(g8)));
    let o0 = fourfold(v128.load8x8_s(g3));
    let o1 = fourfold(v128.load8x8_s(g4));
    let o2 = fourfold(v128.load8x8_s(g5));
    across(i16x8.neg(i16x8.add(e0, o0)), i16x8.neg(i16x8.add(e1, o1)), i16x8.neg(i16x8.add(e2, o2)), to, plane);
    to += 6 * plane;
    across(i16x8.sub(o0, e0), i16x8.sub(o1, e1), i16x8.sub(o2, e2), to, plane);
    to += 6 * plane;
    e0 = i16x8.add(v128.load8x8_s(weights), fourfold(v128.load8x8_s(g6)));
    e1 = i16x8.add(v128.load8x8_s(g1), fourfold(v128.load8x8_s(g7)));
    e2 = i16x8.add(v128.load8x8_s(g2), fourfold(v128.load8x8_s(g8)));
    o0 = i16x8.shl(v128.load8x8_s(g3), 1);
    o1 = i16x8.shl(v128.load8x8_s(g4), 1);
    o2 = i16x8.shl(v128.load8x8_s(g5), 1);
    across(i16x8.add(e0, o0), i16x8.add(e1, o1), i16x8.add(e2, o2), to, plane);
    to += 6 * plane;
    across(i16x8.sub(e0, o0), i16x8.sub(e1, o1), i16x8.sub(e2, o2), to, plane);
    to += 6 * plane;
    across(twelvefold(v128.load8x8_s(g6)), twelvefold(v128.load8x8_s(g7)), twelvefold(v128.load8x8_s(g8)), to, plane);
  }
}

/** Three columns to six points of a row. */
// @ts-ignore: decorator
@inline
function across(g0: v128, g1: v128, g2: v128, to: usize, plane: usize): void {
  v128.store(to, sixfold(g0));
  let even = fourfold(i16x8.add(g0, g2));
  let odd = fourfold(g1);
  v128.store(to + plane, i16x8.neg(i16x8.add(even, odd)));
  v128.store(to + 2 * plane, i16x8.sub(odd, even));
  even = i16x8.add(g0, fourfold(g2));
  odd = i16x8.shl(g1, 1);
  v128.store(to + 3 * plane, i16x8.add(even, odd));
  v128.store(to + 4 * plane, i16x8.sub(even, odd));
  v128.store(to + 5 * plane, twelvefold(g2));
}

// @ts-ignore: decorator
@inline
function fourfold(value: v128): v128 {
  return i16x8.shl(value, 2);
}

// @ts-ignore: decorator
@inline
function sixfold(value: v128): v128 {
  return i16x8.mul(value, i16x8.splat(6));
}

// @ts-ignore: decorator
@inline
function twelvefold(value: v128): v128 {
  return i16x8.mul(value, i16x8.splat(12));
}
