import { multiply, paddedRows, pointerAt, pointerStep } from "./multiply";
import { Field } from "./record";
import { leastOf, madd, nmadd } from "./simd";
import { tilesOf } from "./winograd";
import { word } from "./words";

/**
 * f32 3x3 stride-2 convolution by minimal filtering of its phases. Along one axis the even samples meet taps 0 and 2, which is
 * F(m,2), and the odd ones tap 1, which is F(m,1). Both have m points in common, where their products are one sum, and the
 * even phase has one more. In two dimensions (2m + 1)^2 multiplications a channel make m^2 outputs: 81 for 16 with m = 4,
 * 25 for 4 with m = 2, where directly it takes 144 and 36. Points: 0, 1, -1, infinity and 2; or 0, infinity and 1.
 *
 * The transformed input is planes of [tile][in channel], one for each pair of a vertical and a horizontal (point, phase); a
 * point's planes are the taps of its GEMM. Weights: [point][panel][phase pair][in channel][8]. Products: [point][tile][out
 * channel]. Everything but the weights is in this thread's scratch: pointer table and gathered rows, V, M.
 */
export function f32_conv3x3s2_winograd(record: usize, group: i32, scratch: usize): void {
  const m = word(record, Field.outputTile);
  const first = group * word(record, Field.rowsPerTile);
  const count = tilesOf(record, group);
  const inStep = word(record, Field.inStep);
  const outStep = word(record, Field.outStep);
  const side = 2 * m + 1;
  const vPlane = (<usize>(count * inStep) << 2) + 64;
  const mPlane = (<usize>(count * outStep) << 2) + 64;
  const v = scratch + workBytes(count, inStep);
  const products = v + vPlane * <usize>(side * side);
  transformInput(record, m, first, count, v, vPlane, scratch);
  multiplyPoints(record, m, count, v, vPlane, products, mPlane, scratch);
  if (m == 4) transformOutput4(record, first, count, products, mPlane, scratch);
  else transformOutput2(record, first, count, products, mPlane);
}

/** The pointer table with room for the rows of a point of four phase pairs, or the transforms' intermediate. */
// @ts-ignore: decorator
@inline
function workBytes(tiles: i32, inStep: i32): usize {
  return <usize>max((((tiles + 3) & ~3) << 4) * (1 + inStep), 81 * CHUNK * 4 + 64);
}

// Channels that one pass of a transform carries through its intermediate.
const CHUNK: i32 = 32;

function transformInput(record: usize, m: i32, first: i32, count: i32, v: usize, plane: usize, work: usize): void {
  const step = word(record, Field.inStep);
  const width = word(record, Field.inWidth);
  const height = word(record, Field.inHeight);
  const tilesWide = word(record, Field.tilesWide);
  const pixelBytes = <usize>step << 2;
  const zeros = <usize>word(record, Field.zeros);
  const input = <usize>word(record, Field.input);
  const side = 2 * m + 1;
  const line = <usize>side << 7;
  for (let index = 0; index < count; index++) {
    const tile = first + index;
    const tileY = tile / tilesWide;
    const y = tileY * 2 * m - word(record, Field.padHeight);
    const x = (tile - tileY * tilesWide) * 2 * m - word(record, Field.padWidth);
    for (let channel = 0; channel < step; channel += CHUNK) {
      const bytes = <usize>min(CHUNK, step - channel) << 2;
      for (let column = 0; column < side; column++) {
        const inside = <u32>(x + column) < <u32>width;
        const table = work + <usize>(81 * CHUNK * 4);
        for (let row = 0; row < side; row++) {
          const at = input + (<usize>channel << 2) + <usize>((y + row) * width + x + column) * pixelBytes;
          store<u32>(table + (<usize>row << 2), <u32>(inside && <u32>(y + row) < <u32>height ? at : zeros));
        }
        if (m == 4) filter4(table, work + (<usize>column << 7), line, bytes);
        else filter2(table, work + (<usize>column << 7), line, bytes);
      }
      const target = v + <usize>index * pixelBytes + (<usize>channel << 2);
      for (let row = 0; row < side; row++) {
        const table = work + <usize>(81 * CHUNK * 4);
        for (let column = 0; column < side; column++) {
          store<u32>(table + (<usize>column << 2), <u32>(work + <usize>row * line + (<usize>column << 7)));
        }
        const to = target + <usize>(row * side) * plane;
        if (m == 4) filter4(table, to, plane, bytes);
        else filter2(table, to, plane, bytes);
      }
    }
  }
}

/** Nine samples, by pointers, to (0, even), (0, odd), (1, even) ... (infinity, odd), (2, even), `step` bytes apart. */
function filter4(table: usize, to: usize, step: usize, bytes: usize): void {
  const p0 = <usize>load<u32>(table);
  const p1 = <usize>load<u32>(table, 4);
  const p2 = <usize>load<u32>(table, 8);
  const p3 = <usize>load<u32>(table, 12);
  const p4 = <usize>load<u32>(table, 16);
  const p5 = <usize>load<u32>(table, 20);
  const p6 = <usize>load<u32>(table, 24);
  const p7 = <usize>load<u32>(table, 28);
  const p8 = <usize>load<u32>(table, 32);
  const two = f32x4.splat(2);
  for (let at: usize = 0; at < bytes; at += 16) {
    let out = to + at;
    const e1 = v128.load(p2 + at);
    const e2 = v128.load(p4 + at);
    const e3 = v128.load(p6 + at);
    const o1 = v128.load(p3 + at);
    const o2 = v128.load(p5 + at);
    const outer = nmadd(two, e2, e3);
    v128.store(out, madd(two, v128.load(p0 + at), f32x4.sub(outer, e1)));
    out += step;
    v128.store(out, f32x4.sub(o2, v128.load(p1 + at)));
    out += step;
    v128.store(out, nmadd(two, e1, f32x4.sub(e3, e2)));
    out += step;
    v128.store(out, f32x4.add(o2, o1));
    out += step;
    v128.store(out, madd(two, e1, f32x4.sub(outer, e2)));
    out += step;
    v128.store(out, f32x4.sub(o2, o1));
    out += step;
    v128.store(out, madd(two, f32x4.sub(e1, e3), f32x4.sub(v128.load(p8 + at), e2)));
    out += step;
    v128.store(out, f32x4.sub(v128.load(p7 + at), o1));
    out += step;
    v128.store(out, f32x4.sub(e3, e1));
  }
}

/** Five samples, by pointers, to (0, even), (0, odd), (infinity, even), (infinity, odd), (1, even). */
function filter2(table: usize, to: usize, step: usize, bytes: usize): void {
  const p0 = <usize>load<u32>(table);
  const p1 = <usize>load<u32>(table, 4);
  const p2 = <usize>load<u32>(table, 8);
  const p3 = <usize>load<u32>(table, 12);
  const p4 = <usize>load<u32>(table, 16);
  for (let at: usize = 0; at < bytes; at += 16) {
    let out = to + at;
    const e1 = v128.load(p2 + at);
    v128.store(out, f32x4.sub(e1, v128.load(p0 + at)));
    out += step;
    v128.store(out, v128.load(p1 + at));
    out += step;
    v128.store(out, f32x4.sub(v128.load(p4 + at), e1));
    out += step;
    v128.store(out, v128.load(p3 + at));
    out += step;
    v128.store(out, e1);
  }
}

/** M[point] = sum over its phase pairs of V U. */
function multiplyPoints(
  record: usize,
  m: i32,
  tiles: i32,
  v: usize,
  vPlane: usize,
  products: usize,
  mPlane: usize,
  table: usize,
): void {
  const inStep = word(record, Field.inStep);
  const outStep = word(record, Field.outStep);
  const panels = word(record, Field.panels);
  const zeros = <usize>word(record, Field.zeros);
  const rowBytes = <usize>inStep << 2;
  const stepBytes = <usize>outStep << 2;
  const tile = word(record, Field.tile);
  const padded = paddedRows(tile, tiles);
  const side = 2 * m + 1;
  const none: f32 = -Infinity;
  let b = <usize>word(record, Field.weights);
  for (let pointY = 0; pointY <= m; pointY++) {
    const phasesY = pointY < m ? 2 : 1;
    for (let pointX = 0; pointX <= m; pointX++) {
      const phasesX = pointX < m ? 2 : 1;
      const taps = phasesY * phasesX;
      for (let tap = 0; tap < taps; tap++) {
        const plane = (2 * pointY + tap / phasesX) * side + 2 * pointX + (tap % phasesX);
        const from = v + <usize>plane * vPlane;
        for (let at = 0; at < padded; at++) {
          const slot = pointerAt(table, tile, tiles, taps, at) + <usize>tap * pointerStep(tile, tiles, at);
          store<u32>(slot, <u32>(from + <usize>min(at, tiles - 1) * rowBytes));
        }
      }
      const work = table + (<usize>(((tiles + 3) & ~3) * taps) << 2);
      const c = products + <usize>(pointY * (m + 1) + pointX) * mPlane;
      multiply(tile, table, tiles, taps, inStep, 0, work, b, panels, zeros, 0, c, stepBytes, outStep, 0, none);
      b += <usize>(taps * inStep * panels) << 5;
    }
  }
}

/** Y = A'MA for points 0, 1, -1, infinity, 2. */
function transformOutput4(record: usize, first: i32, count: i32, products: usize, plane: usize, work: usize): void {
  const floor = f32x4.splat(leastOf(word(record, Field.relu)));
  const step = word(record, Field.outStep);
  const width = word(record, Field.outWidth);
  const height = word(record, Field.outHeight);
  const tilesWide = word(record, Field.tilesWide);
  const pixelBytes = <usize>step << 2;
  const bias = <usize>word(record, Field.bias);
  const output = <usize>word(record, Field.output);
  const residualAt = <usize>word(record, Field.residual);
  const residual = residualAt ? residualAt - output : 0;
  const two = f32x4.splat(2);
  const four = f32x4.splat(4);
  const eight = f32x4.splat(8);
  for (let index = 0; index < count; index++) {
    const tile = first + index;
    const tileY = tile / tilesWide;
    const y = tileY * 4;
    const x = (tile - tileY * tilesWide) * 4;
    const rows = min(4, height - y);
    const columns = min(4, width - x);
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      for (let column: usize = 0; column < 5; column++) {
        const from = products + <usize>index * pixelBytes + channel + column * plane;
        const m1 = v128.load(from + 5 * plane);
        const m2 = v128.load(from + 10 * plane);
        const last = v128.load(from + 20 * plane);
        const sum = f32x4.add(m1, m2);
        const difference = f32x4.sub(m1, m2);
        const to = work + (column << 4);
        v128.store(to, f32x4.add(f32x4.add(v128.load(from), sum), last));
        v128.store(to, madd(two, last, difference), 80);
        v128.store(to, madd(four, last, sum), 160);
        v128.store(to, f32x4.add(madd(eight, last, difference), v128.load(from + 15 * plane)), 240);
      }
      const b = v128.load(bias + channel);
      for (let row = 0; row < rows; row++) {
        const from = work + <usize>(row * 80);
        const m1 = v128.load(from, 16);
        const m2 = v128.load(from, 32);
        const last = v128.load(from, 64);
        const sum = f32x4.add(f32x4.add(m1, m2), b);
        const difference = f32x4.add(f32x4.sub(m1, m2), b);
        let at = output + <usize>((y + row) * width + x) * pixelBytes + channel;
        put(at, f32x4.add(f32x4.add(v128.load(from), sum), last), residual, floor);
        if (columns < 2) continue;
        at += pixelBytes;
        put(at, madd(two, last, difference), residual, floor);
        if (columns < 3) continue;
        at += pixelBytes;
        put(at, madd(four, last, sum), residual, floor);
        if (columns < 4) continue;
        at += pixelBytes;
        put(at, f32x4.add(madd(eight, last, difference), v128.load(from, 48)), residual, floor);
      }
    }
  }
}

/** Y = A'MA for points 0, infinity, 1. */
function transformOutput2(record: usize, first: i32, count: i32, products: usize, plane: usize): void {
  const floor = f32x4.splat(leastOf(word(record, Field.relu)));
  const width = word(record, Field.outWidth);
  const height = word(record, Field.outHeight);
  const tilesWide = word(record, Field.tilesWide);
  const pixelBytes = <usize>word(record, Field.outStep) << 2;
  const bias = <usize>word(record, Field.bias);
  const output = <usize>word(record, Field.output);
  const residualAt = <usize>word(record, Field.residual);
  const residual = residualAt ? residualAt - output : 0;
  for (let index = 0; index < count; index++) {
    const tile = first + index;
    const tileY = tile / tilesWide;
    const y = tileY * 2;
    const x = (tile - tileY * tilesWide) * 2;
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      const from = products + <usize>index * pixelBytes + channel;
      const b = v128.load(bias + channel);
      for (let row = 0; row < min(2, height - y); row++) {
        const outer = from + <usize>(3 * row) * plane;
        const inner = from + 6 * plane;
        const middle = f32x4.add(f32x4.add(v128.load(outer + 2 * plane), v128.load(inner + 2 * plane)), b);
        const at = output + <usize>((y + row) * width + x) * pixelBytes + channel;
        put(at, f32x4.add(f32x4.add(v128.load(outer), v128.load(inner)), middle), residual, floor);
        if (x + 1 >= width) continue;
        const right = f32x4.add(v128.load(outer + plane), v128.load(inner + plane));
        put(at + pixelBytes, f32x4.add(right, middle), residual, floor);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function put(at: usize, value: v128, residual: usize, floor: v128): void {
  v128.store(at, f32x4.pmax(residual ? f32x4.add(value, v128.load(at + residual)) : value, floor));
}
