import { madd } from "../base/simd";
import { CHUNK_PLANE, TURN_PLANE } from "../shared/sizes";

// Whether filters are a turn's (turns.ts) or a chunk's (lean.ts).
// It is a type parameter: offsets of stores must be compile-time constants.
export type Turn = v128;
export type Chunk = void;

/**
 * G g G' of F(4x4,3x3) (Lavin & Gray 2016, section 4.3) for four 3x3 filters, without the points' factors, which `scaleProducts`
 * applies later. Tap t is at g + t * tap; point p goes to u + p * plane. A few rows are done at a time, so that few vectors are live.
 */
// @ts-ignore: decorator
@inline
export function transformFilter<P>(g: usize, tap: usize, u: usize): void {
  const plane: usize = isVector<P>() ? TURN_PLANE : CHUNK_PLANE;
  outerRow<P>(g, tap, u);
  outerRow<P>(g + 6 * tap, tap, u + 30 * plane);
  rows12<P>(g, tap, u + 6 * plane);
  rows34<P>(g, tap, u + 18 * plane);
}

/** A chunk's filters, as many as end at stop. `strided`: for a stride of 2. */
export function transformFilters(strided: bool, from: usize, stop: usize, tap: usize, u: usize): void {
  if (strided) {
    for (; from < stop; from += 16) {
      transformFilterStride2<Chunk>(from, tap, u);
      u += 16;
    }
  } else {
    for (; from < stop; from += 16) {
      transformFilter<Chunk>(from, tap, u);
      u += 16;
    }
  }
}

/**
 * The same for a stride of 2, whose points' factors are in the input's transform (stride2.ts): along an axis, taps 0
 * and 2 at the points 2, 1, -1, 0 and infinity, and then tap 1, which is the same at any point. 36 planes: six by six.
 */
// @ts-ignore: decorator
@inline
export function transformFilterStride2<P>(g: usize, tap: usize, u: usize): void {
  const plane: usize = isVector<P>() ? TURN_PLANE : CHUNK_PLANE;
  const low = g + 6 * tap;
  spreadPhases<P>(v128.load(g), v128.load(g + tap), v128.load(g + 2 * tap), u + 18 * plane);
  spreadPhases<P>(v128.load(low), v128.load(low + tap), v128.load(low + 2 * tap), u + 24 * plane);
  spreadPhases<P>(v128.load(g + 3 * tap), v128.load(g + 4 * tap), v128.load(g + 5 * tap), u + 30 * plane);
  const g0 = v128.load(g);
  const g1 = v128.load(g + tap);
  const g2 = v128.load(g + 2 * tap);
  const h0 = v128.load(low);
  const h1 = v128.load(low + tap);
  const h2 = v128.load(low + 2 * tap);
  const two = f32x4.splat(2);
  spreadPhases<P>(madd(two, h0, g0), madd(two, h1, g1), madd(two, h2, g2), u);
  spreadPhases<P>(f32x4.add(g0, h0), f32x4.add(g1, h1), f32x4.add(g2, h2), u + 6 * plane);
  spreadPhases<P>(f32x4.sub(g0, h0), f32x4.sub(g1, h1), f32x4.sub(g2, h2), u + 12 * plane);
}

/** Three taps of a row to 2, 1, -1, 0, infinity and the odd phase. */
// @ts-ignore: decorator
@inline
function spreadPhases<P>(g0: v128, g1: v128, g2: v128, to: usize): void {
  const plane: usize = isVector<P>() ? TURN_PLANE : CHUNK_PLANE;
  v128.store(to, madd(f32x4.splat(2), g2, g0));
  v128.store(to, f32x4.add(g0, g2), plane);
  v128.store(to, f32x4.sub(g0, g2), 2 * plane);
  v128.store(to, g0, 3 * plane);
  v128.store(to, g2, 4 * plane);
  v128.store(to, g1, 5 * plane);
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
function outerRow<P>(g: usize, tap: usize, to: usize): void {
  spreadRow<P>(v128.load(g), v128.load(g + tap), v128.load(g + 2 * tap), to);
}

/** Points 1 and -1. */
// @ts-ignore: decorator
@inline
function rows12<P>(g: usize, tap: usize, to: usize): void {
  const plane: usize = isVector<P>() ? TURN_PLANE : CHUNK_PLANE;
  const even0 = f32x4.add(v128.load(g), v128.load(g + 6 * tap));
  const even1 = f32x4.add(v128.load(g + tap), v128.load(g + 7 * tap));
  const even2 = f32x4.add(v128.load(g + 2 * tap), v128.load(g + 8 * tap));
  const odd0 = v128.load(g + 3 * tap);
  const odd1 = v128.load(g + 4 * tap);
  const odd2 = v128.load(g + 5 * tap);
  spreadRow<P>(f32x4.add(even0, odd0), f32x4.add(even1, odd1), f32x4.add(even2, odd2), to);
  spreadRow<P>(f32x4.sub(even0, odd0), f32x4.sub(even1, odd1), f32x4.sub(even2, odd2), to + 6 * plane);
}

/** Points 2 and -2. */
// @ts-ignore: decorator
@inline
function rows34<P>(g: usize, tap: usize, to: usize): void {
  const plane: usize = isVector<P>() ? TURN_PLANE : CHUNK_PLANE;
  const quarter = f32x4.splat(0.25);
  const half = f32x4.splat(0.5);
  const even0 = madd(quarter, v128.load(g), v128.load(g + 6 * tap));
  const even1 = madd(quarter, v128.load(g + tap), v128.load(g + 7 * tap));
  const even2 = madd(quarter, v128.load(g + 2 * tap), v128.load(g + 8 * tap));
  const odd0 = f32x4.mul(half, v128.load(g + 3 * tap));
  const odd1 = f32x4.mul(half, v128.load(g + 4 * tap));
  const odd2 = f32x4.mul(half, v128.load(g + 5 * tap));
  spreadRow<P>(f32x4.add(even0, odd0), f32x4.add(even1, odd1), f32x4.add(even2, odd2), to);
  spreadRow<P>(f32x4.sub(even0, odd0), f32x4.sub(even1, odd1), f32x4.sub(even2, odd2), to + 6 * plane);
}

/** Three taps to six points: G without its factors 1/4, -1/6, -1/6, 1/6, 1/6, 1. */
// @ts-ignore: decorator
@inline
function spreadRow<P>(g0: v128, g1: v128, g2: v128, to: usize): void {
  const plane: usize = isVector<P>() ? TURN_PLANE : CHUNK_PLANE;
  const half = f32x4.mul(f32x4.splat(0.5), g1);
  const even12 = f32x4.add(g0, g2);
  const even34 = madd(f32x4.splat(0.25), g0, g2);
  v128.store(to, g0);
  v128.store(to, f32x4.add(even12, g1), plane);
  v128.store(to, f32x4.sub(even12, g1), 2 * plane);
  v128.store(to, f32x4.add(even34, half), 3 * plane);
  v128.store(to, f32x4.sub(even34, half), 4 * plane);
  v128.store(to, g2, 5 * plane);
}
