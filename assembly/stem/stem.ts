import { f32_gemm_4x16, f32_gemm_4x8 } from "../gemm/gemm";
import { Field, StemField, Tile } from "../shared/record";
import { FOUR, HALF, leastOf, madd } from "../base/simd";
import {
  planeBytes,
  STEM_CHUNK as CHUNK,
  STEM_COLUMN as COLUMN,
  STEM_POINTS as POINTS,
  STEM_ROW as ROW,
  STEM_SHARED as SHARED,
} from "../shared/sizes";
import { transformEven, transformOdd } from "./input";
import { NO_RESIDUAL } from "../gemm/store";
import { word } from "../base/words";

/**
 * f32 7x7 stride-2 convolution of an image of few channels, by minimal filtering along both axes (input.ts): at the points
 * that both phases have along both axes, products are one sum over channels and four pairs of phases. 507 multiplications for
 * three channels make sixteen outputs that directly take 2352.
 *
 * The input is transformed along rows. In this thread's scratch: V of a row of tiles, [vertical point][horizontal point]
 * [quad of tiles][channel][horizontal phase][vertical phase][4 tiles]; its products M, [point][tile][out channel]; and what a
 * tile's are transformed to along columns, [row][point][channel] of a few channels.
 */

// Which pass. It is a type parameter: offsets must be compile-time constants.
type Down = void;
type Across = v128;

/** One row of tiles: four output rows. */
export function f32_conv7x7s2_winograd4(record: usize, tileY: i32, scratch: usize): void {
  const channels = word(record, StemField.channels);
  const quads = (word(record, StemField.tilesWide) + 3) >> 2;
  const outStep = word(record, Field.outStep);
  const vPlane: usize = planeBytes(16 * quads, channels);
  const mPlane: usize = planeBytes(4 * quads, outStep);
  const v = scratch + 4 * ROW;
  const m = v + <usize>(POINTS * POINTS) * vPlane;
  transformColumns(record, tileY, channels, quads, v, vPlane);
  product(record, channels, quads, outStep, v, vPlane, m, mPlane);
  transformOutput(record, tileY, m, mPlane, scratch);
}

/** The input's transform along columns. */
function transformColumns(record: usize, tileY: i32, channels: i32, quads: i32, v: usize, plane: usize): void {
  const four = v128.load32_splat(FOUR);
  const half = v128.load32_splat(HALF);
  const shared = <usize>(word(record, Field.inHeight) * channels) << 5;
  const quadBytes = <usize>SHARED * shared + (shared >> 1);
  const down = <usize>POINTS * plane;
  for (let across = 0; across < POINTS; across++) {
    const vectors = across < SHARED ? 2 * channels : channels;
    const line = <usize>vectors << 4;
    let from = <usize>word(record, Field.input) + <usize>across * shared + <usize>(8 * tileY) * line;
    let to = v + <usize>across * plane;
    let own = to + <usize>SHARED * down;
    for (let quad = 0; quad < quads; quad++) {
      let at = from;
      for (const end = at + line; at < end; at += 16) {
        const e0 = v128.load(at);
        const e1 = v128.load(at + 2 * line);
        const e2 = v128.load(at + 4 * line);
        const e3 = v128.load(at + 6 * line);
        const e4 = v128.load(at + 8 * line);
        const e5 = v128.load(at + 10 * line);
        transformEven(e0, e1, e2, e3, e4, e5, v128.load(at + 12 * line), to, down, own, four, half);
        const o0 = v128.load(at + line);
        const o1 = v128.load(at + 3 * line);
        const o2 = v128.load(at + 5 * line);
        const o3 = v128.load(at + 7 * line);
        const o4 = v128.load(at + 9 * line);
        transformOdd(o0, o1, o2, o3, o4, v128.load(at + 11 * line), to + 16, down, four);
        to += 32;
        own += 16;
      }
      from += quadBytes;
    }
  }
}

function product(
  record: usize,
  channels: i32,
  quads: i32,
  outStep: i32,
  v: usize,
  vPlane: usize,
  m: usize,
  mPlane: usize,
): void {
  const panels = word(record, StemField.panels);
  const zeros = <usize>word(record, Field.zeros);
  const step = <usize>outStep << 2;
  const rows = quads << 2;
  const none: f32 = -Infinity;
  // Modules with integers have no room for the wider tile.
  const pairs = ASC_FEATURE_RELAXED_SIMD && !QUANTIZED && word(record, Field.tile) == Tile.f32_6x16;
  let b = <usize>word(record, Field.weights);
  for (let down = 0; down < POINTS; down++) {
    for (let across = 0; across < POINTS; across++) {
      const depth = channels * (down < SHARED ? 2 : 1) * (across < SHARED ? 2 : 1);
      const blockBytes = <usize>depth << 4;
      let c = m;
      for (let panel = 0; panel < panels; ) {
        const columns = outStep - (panel << 3);
        const wide = pairs && panels - panel > 1;
        if (wide) f32_gemm_4x16(v, blockBytes, depth, b, zeros, c, step, rows, columns, NO_RESIDUAL, none);
        else f32_gemm_4x8(v, blockBytes, depth, b, zeros, 0, 0, c, step, rows, columns, NO_RESIDUAL, none);
        const taken = wide ? 2 : 1;
        panel += taken;
        b += <usize>(taken * depth) << 5;
        c += <usize>taken << 5;
      }
      v += vPlane;
      m += mPlane;
    }
  }
}

/** Y = A'MA plus bias, floored, into the output pixels that exist. */
function transformOutput(record: usize, tileY: i32, m: usize, plane: usize, work: usize): void {
  const four = v128.load32_splat(FOUR);
  const half = v128.load32_splat(HALF);
  const floor = f32x4.splat(leastOf(word(record, Field.relu)));
  const step = <usize>word(record, Field.outStep) << 2;
  const width = word(record, Field.outWidth);
  const rows = min(4, word(record, Field.outHeight) - 4 * tileY);
  const below = <usize>POINTS * plane;
  const rowBytes = <usize>width * step;
  let pixel = <usize>word(record, Field.output) + <usize>(4 * tileY) * rowBytes;
  for (let tile = 0; tile < word(record, StemField.tilesWide); tile++) {
    const columns = min(4, width - 4 * tile);
    for (let channel: usize = 0; channel < step; channel += CHUNK) {
      const bytes = min<usize>(CHUNK, step - channel);
      for (let across: usize = 0; across < <usize>POINTS; across++) {
        const from = m + across * plane + channel;
        const to = work + across * COLUMN;
        for (let at: usize = 0; at < bytes; at += 16) sum<Down>(from + at, below, to + at, 0, 4, 0, floor, four, half);
      }
      const bias = <usize>word(record, Field.bias) + channel;
      for (let row = 0; row < rows; row++) {
        const from = work + <usize>row * ROW;
        const to = pixel + <usize>row * rowBytes + channel;
        for (let at: usize = 0; at < bytes; at += 16) {
          sum<Across>(from + at, 0, to + at, step, columns, bias + at, floor, four, half);
        }
      }
    }
    m += step;
    pixel += step << 2;
  }
}

/**
 * A'm of F(4,4), of which row i holds the points' i-th powers. Down a column of points, `plane` bytes apart, to rows of the work
 * area; or across these, the first `count` of four pixels, `step` bytes apart, plus bias, floored.
 */
// @ts-ignore: decorator
@inline
function sum<Pass>(
  from: usize,
  plane: usize,
  to: usize,
  step: usize,
  count: i32,
  bias: usize,
  floor: v128,
  four: v128,
  half: v128,
): void {
  const m0 = v128.load(from);
  const m1 = isVector<Pass>() ? v128.load(from, COLUMN) : v128.load(from + plane);
  const m2 = isVector<Pass>() ? v128.load(from, 2 * COLUMN) : v128.load(from + 2 * plane);
  const m3 = isVector<Pass>() ? v128.load(from, 3 * COLUMN) : v128.load(from + 3 * plane);
  const m4 = isVector<Pass>() ? v128.load(from, 4 * COLUMN) : v128.load(from + 4 * plane);
  const m5 = isVector<Pass>() ? v128.load(from, 5 * COLUMN) : v128.load(from + 5 * plane);
  const m6 = isVector<Pass>() ? v128.load(from, 6 * COLUMN) : v128.load(from + 6 * plane);
  let sum12 = f32x4.add(m1, m2);
  let difference12 = f32x4.sub(m1, m2);
  if (isVector<Pass>()) {
    const b = v128.load(bias);
    sum12 = f32x4.add(sum12, b);
    difference12 = f32x4.add(difference12, b);
  }
  const sum34 = f32x4.add(m3, m4);
  const half34 = f32x4.sub(m3, m4);
  const difference34 = f32x4.add(half34, half34);
  const m6half = f32x4.mul(half, m6);
  const m6quarter = f32x4.mul(half, m6half);
  const y0 = f32x4.add(f32x4.add(m0, sum12), f32x4.add(sum34, m6));
  const y1 = f32x4.add(f32x4.add(difference12, difference34), m6half);
  const y2 = f32x4.add(madd(four, sum34, sum12), m6quarter);
  const y3 = f32x4.add(madd(four, difference34, difference12), madd(half, m6quarter, m5));
  if (isVector<Pass>()) {
    v128.store(to, f32x4.pmax(y0, floor));
    if (count > 1) v128.store(to + step, f32x4.pmax(y1, floor));
    if (count > 2) v128.store(to + 2 * step, f32x4.pmax(y2, floor));
    if (count > 3) v128.store(to + 3 * step, f32x4.pmax(y3, floor));
  } else {
    v128.store(to, y0);
    v128.store(to, y1, ROW);
    v128.store(to, y2, 2 * ROW);
    v128.store(to, y3, 3 * ROW);
  }
}
