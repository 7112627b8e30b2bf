import { Field } from "./record";
import { madd, nmadd } from "./simd";
import { pointsAcross, pointsDown, tileAt } from "./winograd-grid";
import { word } from "./words";

// Channels that one pass of a transform carries through its intermediate: 36 points of 32 channels are 4.5 KB, well in L1.
const CHUNK: i32 = 32;

/**
 * V = B'dB of F(4x4,3x3) for `count` tiles from `first`: 6x6 input pixels at a stride of 4, points 0, 1, -1, 2, -2, infinity
 * (Lavin & Gray 2016, section 4.3). Pixels outside the image are zero. V has channels [firstChannel, lastChannel).
 */
export function inputTransform4(
  record: usize,
  first: i32,
  count: i32,
  firstChannel: i32,
  lastChannel: i32,
  v: usize,
  plane: usize,
  work: usize,
): void {
  const step = word(record, Field.inStep);
  const width = word(record, Field.inWidth);
  const height = word(record, Field.inHeight);
  const tilesWide = word(record, Field.tilesWide);
  const pixelBytes = <usize>step << 2;
  const rowBytes = <usize>width * pixelBytes;
  const zeros = <usize>word(record, Field.zeros);
  const input = <usize>word(record, Field.input);
  const padHeight = word(record, Field.padHeight);
  const padWidth = word(record, Field.padWidth);
  const tileBytes = <usize>(lastChannel - firstChannel) << 2;
  for (let index = 0; index < count; index++) {
    const tile = tileAt(record, first + index);
    const tileY = tile / tilesWide;
    const tileX = tile - tileY * tilesWide;
    const y = tileY * 4 - padHeight;
    const x = tileX * 4 - padWidth;
    const down = pointsDown(record, tileY);
    const across = pointsAcross(record, tileX);
    for (let channel = firstChannel; channel < lastChannel; channel += CHUNK) {
      const bytes = <usize>min(CHUNK, lastChannel - channel) << 2;
      const source = input + (<usize>channel << 2);
      for (let column = 0; column < across; column++) {
        const inside = <u32>(x + column) < <u32>width;
        const top = source + <usize>y * rowBytes + <usize>(x + column) * pixelBytes;
        let p0 = inside && <u32>y < <u32>height ? top : zeros;
        let p1 = inside && <u32>(y + 1) < <u32>height ? top + rowBytes : zeros;
        let p2 = inside && <u32>(y + 2) < <u32>height ? top + 2 * rowBytes : zeros;
        let p3 = inside && <u32>(y + 3) < <u32>height ? top + 3 * rowBytes : zeros;
        let p4 = inside && <u32>(y + 4) < <u32>height ? top + 4 * rowBytes : zeros;
        let p5 = inside && <u32>(y + 5) < <u32>height ? top + 5 * rowBytes : zeros;
        let to = work + (<usize>column << 7);
        const end = to + bytes;
        if (down < 6) {
          extrapolate(p1, p2, p3, down, to, 768, bytes);
          if (down < 4) p3 = to + 2304;
          if (down < 5) p4 = to + 3072;
          p5 = to + 3840;
        }
        for (const pairs = to + (bytes & ~31); to < pairs; to += 32) {
          filterDown(p0, p1, p2, p3, p4, p5, to);
          filterDown(p0 + 16, p1 + 16, p2 + 16, p3 + 16, p4 + 16, p5 + 16, to + 16);
          p0 += 32;
          p1 += 32;
          p2 += 32;
          p3 += 32;
          p4 += 32;
          p5 += 32;
        }
        if (to < end) filterDown(p0, p1, p2, p3, p4, p5, to);
      }
      const target = v + <usize>index * tileBytes + (<usize>(channel - firstChannel) << 2);
      for (let row = 0; row < 6; row++) {
        let t0 = target + <usize>(row * 6) * plane;
        let t1 = t0 + plane;
        let t2 = t1 + plane;
        let t3 = t2 + plane;
        let t4 = t3 + plane;
        let t5 = t4 + plane;
        let from = work + <usize>(row * 768);
        const end = from + bytes;
        if (across < 6) extrapolate(from + 128, from + 256, from + 384, across, from, 128, bytes);
        for (const pairs = from + (bytes & ~31); from < pairs; from += 32) {
          filterAcross(from, t0, t1, t2, t3, t4, t5);
          filterAcross(from + 16, t0 + 16, t1 + 16, t2 + 16, t3 + 16, t4 + 16, t5 + 16);
          t0 += 32;
          t1 += 32;
          t2 += 32;
          t3 += 32;
          t4 += 32;
          t5 += 32;
        }
        if (from < end) filterAcross(from, t0, t1, t2, t3, t4, t5);
      }
    }
  }
}

/**
 * Samples 3, 4 and 5, `step` bytes apart, of a line of which `points` - 3 outputs are wanted, none of which depends on sample
 * `points` or those after it: with these the products at the points left out would be zero. Sample 3 stays where it is wanted.
 */
function extrapolate(p1: usize, p2: usize, p3: usize, points: i32, to: usize, step: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    const d1 = v128.load(p1 + at);
    const d3 = points > 3 ? v128.load(p3 + at) : d1;
    const target = to + at + 3 * step;
    v128.store(target, d3);
    if (points < 5) v128.store(target + step, madd(f32x4.splat(2), f32x4.sub(d3, d1), v128.load(p2 + at)));
    v128.store(target + 2 * step, nmadd(f32x4.splat(4), d1, f32x4.mul(f32x4.splat(5), d3)));
  }
}

/** B'd of six rows of a tile, to rows of the intermediate. */
// @ts-ignore: decorator
@inline
function filterDown(p0: usize, p1: usize, p2: usize, p3: usize, p4: usize, p5: usize, to: usize): void {
  const d0 = v128.load(p0);
  const d1 = v128.load(p1);
  const d2 = v128.load(p2);
  const d3 = v128.load(p3);
  const d4 = v128.load(p4);
  const d5 = v128.load(p5);
  // Shared by rows 1 and 2, and by rows 3 and 4: they differ in the sign of the odd part.
  const even12 = nmadd(f32x4.splat(4), d2, d4);
  const odd12 = nmadd(f32x4.splat(4), d1, d3);
  const even34 = f32x4.sub(d4, d2);
  const odd34 = f32x4.mul(f32x4.splat(2), f32x4.sub(d3, d1));
  v128.store(to, madd(f32x4.splat(4), d0, nmadd(f32x4.splat(5), d2, d4)));
  v128.store(to, f32x4.add(even12, odd12), 768);
  v128.store(to, f32x4.sub(even12, odd12), 1536);
  v128.store(to, f32x4.add(even34, odd34), 2304);
  v128.store(to, f32x4.sub(even34, odd34), 3072);
  v128.store(to, madd(f32x4.splat(4), d1, nmadd(f32x4.splat(5), d3, d5)), 3840);
}

/** B'd of six columns of the intermediate, to six points' planes. */
// @ts-ignore: decorator
@inline
function filterAcross(from: usize, t0: usize, t1: usize, t2: usize, t3: usize, t4: usize, t5: usize): void {
  const d0 = v128.load(from);
  const d1 = v128.load(from, 128);
  const d2 = v128.load(from, 256);
  const d3 = v128.load(from, 384);
  const d4 = v128.load(from, 512);
  const d5 = v128.load(from, 640);
  const even12 = nmadd(f32x4.splat(4), d2, d4);
  const odd12 = nmadd(f32x4.splat(4), d1, d3);
  const even34 = f32x4.sub(d4, d2);
  const odd34 = f32x4.mul(f32x4.splat(2), f32x4.sub(d3, d1));
  v128.store(t0, madd(f32x4.splat(4), d0, nmadd(f32x4.splat(5), d2, d4)));
  v128.store(t1, f32x4.add(even12, odd12));
  v128.store(t2, f32x4.sub(even12, odd12));
  v128.store(t3, f32x4.add(even34, odd34));
  v128.store(t4, f32x4.sub(even34, odd34));
  v128.store(t5, madd(f32x4.splat(4), d1, nmadd(f32x4.splat(5), d3, d5)));
}

/**
 * Y = A'MA of F(4x4,3x3), plus bias and residual, floored, into the output pixels that exist. M has channels
 * [firstChannel, lastChannel) of tiles that are `tileBytes` apart.
 */
export function outputTransform4(
  record: usize,
  first: i32,
  count: i32,
  m: usize,
  plane: usize,
  tileBytes: usize,
  firstChannel: i32,
  lastChannel: i32,
  work: usize,
  least: f32,
): void {
  const floor = f32x4.splat(least);
  const step = word(record, Field.outStep);
  const width = word(record, Field.outWidth);
  const height = word(record, Field.outHeight);
  const tilesWide = word(record, Field.tilesWide);
  const pixelBytes = <usize>step << 2;
  const bias = <usize>word(record, Field.bias);
  const zeros = <usize>word(record, Field.zeros);
  const output = <usize>word(record, Field.output);
  const residualAt = <usize>word(record, Field.residual);
  const residual = residualAt ? residualAt - output : 0;
  for (let index = 0; index < count; index++) {
    const tile = tileAt(record, first + index);
    const tileY = tile / tilesWide;
    const tileX = tile - tileY * tilesWide;
    const y = tileY * 4;
    const x = tileX * 4;
    const down = pointsDown(record, tileY);
    const across = pointsAcross(record, tileX);
    const rows = min(4, height - y);
    const columns = min(4, width - x);
    for (let channel = firstChannel; channel < lastChannel; channel += CHUNK) {
      const bytes = <usize>min(CHUNK, lastChannel - channel) << 2;
      const source = m + <usize>index * tileBytes + (<usize>(channel - firstChannel) << 2);
      for (let column = 0; column < 6; column++) {
        let p0 = source + <usize>column * plane;
        let p1 = p0 + 6 * plane;
        let p2 = p1 + 6 * plane;
        let p3 = p2 + 6 * plane;
        let p4 = p3 + 6 * plane;
        let p5 = p4 + 6 * plane;
        if (down < 6) p5 = zeros;
        if (down < 5) p4 = zeros;
        if (down < 4) p3 = zeros;
        if (column >= across) p0 = p1 = p2 = p3 = p4 = p5 = zeros;
        let to = work + (<usize>column << 7);
        const end = to + bytes;
        for (const pairs = to + (bytes & ~31); to < pairs; to += 32) {
          sumDown(p0, p1, p2, p3, p4, p5, to);
          sumDown(p0 + 16, p1 + 16, p2 + 16, p3 + 16, p4 + 16, p5 + 16, to + 16);
          p0 += 32;
          p1 += 32;
          p2 += 32;
          p3 += 32;
          p4 += 32;
          p5 += 32;
        }
        if (to < end) sumDown(p0, p1, p2, p3, p4, p5, to);
      }
      for (let row = 0; row < rows; row++) {
        let from = work + <usize>(row * 768);
        let to = output + <usize>((y + row) * width + x) * pixelBytes + (<usize>channel << 2);
        let biasAt = bias + (<usize>channel << 2);
        const end = from + bytes;
        if (columns == 4) {
          const pairs = from + (bytes & ~31);
          // One loop each, free of branches.
          if (residual) {
            for (; from < pairs; from += 32) {
              sumAcross(from, biasAt, to, pixelBytes, residual, true, floor);
              sumAcross(from + 16, biasAt + 16, to + 16, pixelBytes, residual, true, floor);
              to += 32;
              biasAt += 32;
            }
          } else {
            for (; from < pairs; from += 32) {
              sumAcross(from, biasAt, to, pixelBytes, 0, false, floor);
              sumAcross(from + 16, biasAt + 16, to + 16, pixelBytes, 0, false, floor);
              to += 32;
              biasAt += 32;
            }
          }
        }
        for (; from < end; from += 16) {
          sumSome(from, biasAt, to, pixelBytes, residual, floor, columns);
          to += 16;
          biasAt += 16;
        }
      }
    }
  }
}

/** A'm of six rows of points, to four rows of the intermediate. */
// @ts-ignore: decorator
@inline
function sumDown(p0: usize, p1: usize, p2: usize, p3: usize, p4: usize, p5: usize, to: usize): void {
  const m1 = v128.load(p1);
  const m2 = v128.load(p2);
  const m3 = v128.load(p3);
  const m4 = v128.load(p4);
  const sum12 = f32x4.add(m1, m2);
  const difference12 = f32x4.sub(m1, m2);
  const sum34 = f32x4.add(m3, m4);
  const difference34 = f32x4.sub(m3, m4);
  v128.store(to, f32x4.add(f32x4.add(v128.load(p0), sum12), sum34));
  v128.store(to, madd(f32x4.splat(2), difference34, difference12), 768);
  v128.store(to, madd(f32x4.splat(4), sum34, sum12), 1536);
  v128.store(to, f32x4.add(madd(f32x4.splat(8), difference34, difference12), v128.load(p5)), 2304);
}

/** A'm of six columns of the intermediate, plus bias and residual, floored, to four pixels. */
// @ts-ignore: decorator
@inline
function sumAcross(
  from: usize,
  bias: usize,
  to: usize,
  pixel: usize,
  residual: usize,
  adds: bool,
  floor: v128,
): void {
  const m1 = v128.load(from, 128);
  const m2 = v128.load(from, 256);
  const m3 = v128.load(from, 384);
  const m4 = v128.load(from, 512);
  const b = v128.load(bias);
  const sum12 = f32x4.add(f32x4.add(m1, m2), b);
  const difference12 = f32x4.add(f32x4.sub(m1, m2), b);
  const sum34 = f32x4.add(m3, m4);
  const difference34 = f32x4.sub(m3, m4);
  let y0 = f32x4.add(f32x4.add(v128.load(from), sum12), sum34);
  let y1 = madd(f32x4.splat(2), difference34, difference12);
  let y2 = madd(f32x4.splat(4), sum34, sum12);
  let y3 = f32x4.add(madd(f32x4.splat(8), difference34, difference12), v128.load(from, 640));
  if (adds) {
    const with0 = to + residual;
    y0 = f32x4.add(y0, v128.load(with0));
    y1 = f32x4.add(y1, v128.load(with0 + pixel));
    y2 = f32x4.add(y2, v128.load(with0 + 2 * pixel));
    y3 = f32x4.add(y3, v128.load(with0 + 3 * pixel));
  }
  v128.store(to, f32x4.pmax(y0, floor));
  v128.store(to + pixel, f32x4.pmax(y1, floor));
  v128.store(to + 2 * pixel, f32x4.pmax(y2, floor));
  v128.store(to + 3 * pixel, f32x4.pmax(y3, floor));
}

/** As `sumAcross`, the first `columns` pixels, 1 to 4. */
function sumSome(
  from: usize,
  bias: usize,
  to: usize,
  pixel: usize,
  residual: usize,
  floor: v128,
  columns: i32,
): void {
  const m1 = v128.load(from, 128);
  const m2 = v128.load(from, 256);
  const m3 = v128.load(from, 384);
  const m4 = v128.load(from, 512);
  const b = v128.load(bias);
  const sum12 = f32x4.add(f32x4.add(m1, m2), b);
  const difference12 = f32x4.add(f32x4.sub(m1, m2), b);
  const sum34 = f32x4.add(m3, m4);
  const difference34 = f32x4.sub(m3, m4);
  putOne(to, f32x4.add(f32x4.add(v128.load(from), sum12), sum34), residual, floor);
  if (columns < 2) return;
  putOne(to + pixel, madd(f32x4.splat(2), difference34, difference12), residual, floor);
  if (columns < 3) return;
  putOne(to + 2 * pixel, madd(f32x4.splat(4), sum34, sum12), residual, floor);
  if (columns < 4) return;
  const last = f32x4.add(madd(f32x4.splat(8), difference34, difference12), v128.load(from, 640));
  putOne(to + 3 * pixel, last, residual, floor);
}

// @ts-ignore: decorator
@inline
function putOne(to: usize, value: v128, residual: usize, floor: v128): void {
  v128.store(to, f32x4.pmax(residual ? f32x4.add(value, v128.load(to + residual)) : value, floor));
}
