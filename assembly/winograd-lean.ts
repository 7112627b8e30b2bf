import { multiply, paddedRows } from "./multiply";
import { Field, Tile } from "./record";
import { leastOf, madd, nmadd } from "./simd";
import { planeBytes } from "./winograd";
import { inputTransform4, outputTransform4 } from "./winograd4";
import { word } from "./words";

/**
 * f32 3x3 stride-1 convolution by F(4x4,3x3) (Lavin & Gray 2016, section 4.3) on weights as the direct kernel has them,
 * [panel][tap][in channel][8]: a few channels of a panel or two are transformed at a time, used, and forgotten.
 *
 * Transformed weights are four times as large. Where an image has few tiles, reading them from memory takes longer than
 * making them; and where memory is short, they need not be had.
 */

/** In channels of one panel that are transformed at a time; of two, half as many. */
const CHUNK: i32 = 256;
/** A point's filters of a chunk; one cache line more, so that the points do not fall into the same cache sets. */
const FILTER_PLANE: usize = 256 * 32 + 64;
const POINTS: i32 = 36;
/** Panels whose products are kept until they are transformed: two cache lines of a pixel. */
const QUAD: i32 = 4;
const M_STEP: usize = 128;

/** One piece: a group of tiles by some of the panels. V is this piece's own in `scratch`, or the whole image's. */
export function f32_conv3x3s1_winograd4_lean(record: usize, piece: i32, scratch: usize): void {
  const perTile = word(record, Field.rowsPerTile);
  const panels = word(record, Field.panels);
  const perPiece = word(record, Field.panelsPerTile);
  const across = (panels + perPiece - 1) / perPiece;
  const all = word(record, Field.tilesWide) * word(record, Field.tilesHigh);
  const first = (piece / across) * perTile;
  const count = min(perTile, all - first);
  const inStep = word(record, Field.inStep);
  const rowBytes = <usize>inStep << 2;
  const mPlane = <usize>perTile * M_STEP + 64;

  const work = scratch + (<usize>((perTile + 3) & ~3) << 2);
  const u = work + <usize>max(((perTile + 3) & ~3) * CHUNK * 4, 36 * 32 * 4);
  const m = u + <usize>POINTS * FILTER_PLANE;
  const other = m + <usize>POINTS * mPlane;
  const shared = <usize>word(record, Field.transformed);
  const vPlane = planeBytes(shared ? all : perTile, inStep);
  const v = shared ? shared + <usize>first * rowBytes : other + <usize>POINTS * mPlane;
  if (!shared) inputTransform4(record, first, count, v, vPlane, work);

  const tile = word(record, Field.tile);
  for (let at = 0; at < paddedRows(tile, count); at++) {
    store<u32>(scratch + (<usize>at << 2), <u32>(v + <usize>min(at, count - 1) * rowBytes));
  }
  const zeros = <usize>word(record, Field.zeros);
  const tap = <usize>inStep << 5;
  const none: f32 = -Infinity;
  const least = leastOf(word(record, Field.relu));
  const begin = (piece % across) * perPiece;
  const end = min(begin + perPiece, panels);
  const together = tile == Tile.f32_6x16 ? 2 : 1;
  const chunk = CHUNK / together;
  for (let panel = begin; panel < end; ) {
    const pair = min(together, end - panel);
    const column = <usize>((panel - begin) % QUAD) << 5;
    const weights = <usize>word(record, Field.weights) + <usize>panel * 9 * tap;
    let sums = m;
    let spare = other;
    for (let channel = 0; channel < inStep; channel += chunk) {
      const depth = min(chunk, inStep - channel);
      const from = weights + (<usize>channel << 5);
      for (let index = 0; index < pair; index++) {
        transformFilters(from + <usize>index * 9 * tap, tap, depth, u + (<usize>(index * depth) << 5));
      }
      const before = channel ? spare - sums : 0;
      for (let point: usize = 0; point < <usize>POINTS; point++) {
        const c = sums + point * mPlane + column;
        const offset = point * vPlane + (<usize>channel << 2);
        const b = u + point * FILTER_PLANE;
        multiply(tile, scratch, count, 1, depth, offset, work, b, pair, zeros, 0, c, M_STEP, 8 * pair, before, none);
      }
      const swap = sums;
      sums = spare;
      spare = swap;
    }
    panel += pair;
    if (panel < end && (panel - begin) % QUAD != 0) continue;
    scale(spare, mPlane, count);
    const firstChannel = (begin + ((panel - begin - 1) / QUAD) * QUAD) << 3;
    const lastChannel = min(panel << 3, word(record, Field.outStep));
    outputTransform4(record, first, count, spare, mPlane, M_STEP, firstChannel, lastChannel, work, least);
  }
}

/** The points' factors that `transformFilters` leaves out, on the products of `QUAD` panels. */
function scale(m: usize, plane: usize, count: i32): void {
  for (let row = 0; row < 6; row++) {
    for (let column = 0; column < 6; column++) {
      const factor = f32x4.splat(factorOf(row) * factorOf(column));
      const end = m + <usize>count * M_STEP;
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

/** G g G' of one panel's 3x3 filters, but for the points' factors: point p of channel c to u + p * FILTER_PLANE + c * 32. */
function transformFilters(panel: usize, tap: usize, depth: i32, u: usize): void {
  for (const end = panel + (<usize>depth << 5); panel < end; panel += 32) {
    // A few rows at a time, both halves of a panel side by side, with few vectors alive.
    outerRow(panel, tap, u);
    outerRow(panel + 16, tap, u + 16);
    outerRow(panel + 6 * tap, tap, u + 30 * FILTER_PLANE);
    outerRow(panel + 6 * tap + 16, tap, u + 30 * FILTER_PLANE + 16);
    rows12(panel, tap, u + 6 * FILTER_PLANE);
    rows12(panel + 16, tap, u + 6 * FILTER_PLANE + 16);
    rows34(panel, tap, u + 18 * FILTER_PLANE);
    rows34(panel + 16, tap, u + 18 * FILTER_PLANE + 16);
    u += 32;
  }
}

/** Points 0 or infinity: the first or the last kernel row alone. */
// @ts-ignore: decorator
@inline
function outerRow(g: usize, tap: usize, to: usize): void {
  spreadRow(v128.load(g), v128.load(g + tap), v128.load(g + 2 * tap), to);
}

/** Points 1 and -1. */
// @ts-ignore: decorator
@inline
function rows12(g: usize, tap: usize, to: usize): void {
  const even0 = f32x4.add(v128.load(g), v128.load(g + 6 * tap));
  const even1 = f32x4.add(v128.load(g + tap), v128.load(g + 7 * tap));
  const even2 = f32x4.add(v128.load(g + 2 * tap), v128.load(g + 8 * tap));
  const odd0 = v128.load(g + 3 * tap);
  const odd1 = v128.load(g + 4 * tap);
  const odd2 = v128.load(g + 5 * tap);
  spreadRow(f32x4.add(even0, odd0), f32x4.add(even1, odd1), f32x4.add(even2, odd2), to);
  spreadRow(f32x4.sub(even0, odd0), f32x4.sub(even1, odd1), f32x4.sub(even2, odd2), to + 6 * FILTER_PLANE);
}

/** Points 2 and -2. */
// @ts-ignore: decorator
@inline
function rows34(g: usize, tap: usize, to: usize): void {
  const even0 = madd(f32x4.splat(0.25), v128.load(g), v128.load(g + 6 * tap));
  const even1 = madd(f32x4.splat(0.25), v128.load(g + tap), v128.load(g + 7 * tap));
  const even2 = madd(f32x4.splat(0.25), v128.load(g + 2 * tap), v128.load(g + 8 * tap));
  const odd0 = v128.load(g + 3 * tap);
  const odd1 = v128.load(g + 4 * tap);
  const odd2 = v128.load(g + 5 * tap);
  spreadRow(madd(f32x4.splat(0.5), odd0, even0), madd(f32x4.splat(0.5), odd1, even1), madd(f32x4.splat(0.5), odd2, even2), to);
  spreadRow(nmadd(f32x4.splat(0.5), odd0, even0), nmadd(f32x4.splat(0.5), odd1, even1), nmadd(f32x4.splat(0.5), odd2, even2), to + 6 * FILTER_PLANE);
}

/** Three taps to six points: G without its factors 1/4, -1/6, -1/6, 1/6, 1/6, 1. */
// @ts-ignore: decorator
@inline
function spreadRow(g0: v128, g1: v128, g2: v128, to: usize): void {
  const half = f32x4.splat(0.5);
  const even12 = f32x4.add(g0, g2);
  const even34 = madd(f32x4.splat(0.25), g0, g2);
  v128.store(to, g0);
  v128.store(to, f32x4.add(even12, g1), FILTER_PLANE);
  v128.store(to, f32x4.sub(even12, g1), 2 * FILTER_PLANE);
  v128.store(to, madd(half, g1, even34), 3 * FILTER_PLANE);
  v128.store(to, nmadd(half, g1, even34), 4 * FILTER_PLANE);
  v128.store(to, g2, 5 * FILTER_PLANE);
}
