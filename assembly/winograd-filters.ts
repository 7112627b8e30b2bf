import { madd } from "./simd";

/**
 * G g G' of F(4x4,3x3) (Lavin & Gray 2016, section 4.3) of four 3x3 filters, but for the points' factors, which
 * `scaleProducts` puts right: tap t is at g + t * tap, point p goes to u + p * plane. A few rows at a time: few vectors are alive.
 */
// @ts-ignore: decorator
@inline
export function transformFilter(g: usize, tap: usize, u: usize, plane: usize): void {
  outerRow(g, tap, u, plane);
  outerRow(g + 6 * tap, tap, u + 30 * plane, plane);
  rows12(g, tap, u + 6 * plane, plane);
  rows34(g, tap, u + 18 * plane, plane);
}

/** As many filters as end at stop. */
export function transformFilters(from: usize, stop: usize, tap: usize, u: usize, plane: usize): void {
  for (; from < stop; from += 16) {
    transformFilter(from, tap, u, plane);
    u += 16;
  }
}

/** The points' factors that `transformFilter` leaves out, on products of `count` tiles, `step` bytes each. */
export function scaleProducts(m: usize, plane: usize, count: i32, step: usize): void {
  for (let row = 0; row < 6; row++) {
    for (let column = 0; column < 6; column++) {
      const factor = f32x4.splat(factorOf(row) * factorOf(column));
      const end = m + <usize>count * step;
      for (let at = m; at < end; at += 16) v128.store(at, f32x4.mul(v128.load(at), factor));
      m += plane;
    }
  }
}

function factorOf(point: i32): f32 {
  if (point == 0) return 0.25;
  if (point == 5) return 1;
  return point < 3 ? <f32>(-1.0 / 6) : <f32>(1.0 / 6);
}

/** Points 0 or infinity: the first or the last kernel row alone. */
// @ts-ignore: decorator
@inline
function outerRow(g: usize, tap: usize, to: usize, plane: usize): void {
  spreadRow(v128.load(g), v128.load(g + tap), v128.load(g + 2 * tap), to, plane);
}

/** Points 1 and -1. */
// @ts-ignore: decorator
@inline
function rows12(g: usize, tap: usize, to: usize, plane: usize): void {
  const even0 = f32x4.add(v128.load(g), v128.load(g + 6 * tap));
  const even1 = f32x4.add(v128.load(g + tap), v128.load(g + 7 * tap));
  const even2 = f32x4.add(v128.load(g + 2 * tap), v128.load(g + 8 * tap));
  const odd0 = v128.load(g + 3 * tap);
  const odd1 = v128.load(g + 4 * tap);
  const odd2 = v128.load(g + 5 * tap);
  spreadRow(f32x4.add(even0, odd0), f32x4.add(even1, odd1), f32x4.add(even2, odd2), to, plane);
  spreadRow(f32x4.sub(even0, odd0), f32x4.sub(even1, odd1), f32x4.sub(even2, odd2), to + 6 * plane, plane);
}

/** Points 2 and -2. */
// @ts-ignore: decorator
@inline
function rows34(g: usize, tap: usize, to: usize, plane: usize): void {
  const quarter = f32x4.splat(0.25);
  const half = f32x4.splat(0.5);
  const even0 = madd(quarter, v128.load(g), v128.load(g + 6 * tap));
  const even1 = madd(quarter, v128.load(g + tap), v128.load(g + 7 * tap));
  const even2 = madd(quarter, v128.load(g + 2 * tap), v128.load(g + 8 * tap));
  const odd0 = f32x4.mul(half, v128.load(g + 3 * tap));
  const odd1 = f32x4.mul(half, v128.load(g + 4 * tap));
  const odd2 = f32x4.mul(half, v128.load(g + 5 * tap));
  spreadRow(f32x4.add(even0, odd0), f32x4.add(even1, odd1), f32x4.add(even2, odd2), to, plane);
  spreadRow(f32x4.sub(even0, odd0), f32x4.sub(even1, odd1), f32x4.sub(even2, odd2), to + 6 * plane, plane);
}

/** Three taps to six points: G without its factors 1/4, -1/6, -1/6, 1/6, 1/6, 1. */
// @ts-ignore: decorator
@inline
function spreadRow(g0: v128, g1: v128, g2: v128, to: usize, plane: usize): void {
  const half = f32x4.mul(f32x4.splat(0.5), g1);
  const even12 = f32x4.add(g0, g2);
  const even34 = madd(f32x4.splat(0.25), g0, g2);
  v128.store(to, g0);
  v128.store(to + plane, f32x4.add(even12, g1));
  v128.store(to + 2 * plane, f32x4.sub(even12, g1));
  v128.store(to + 3 * plane, f32x4.add(even34, half));
  v128.store(to + 4 * plane, f32x4.sub(even34, half));
  v128.store(to + 5 * plane, g2);
}
