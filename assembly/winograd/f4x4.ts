import { Field, WinogradField } from "../shared/record";
import { FOUR, madd, nmadd } from "../base/simd";
import { WORK_CHANNELS as CHUNK, WORK_COLUMN, WORK_IN_ROW, WORK_OUT_ROW } from "../shared/sizes";
import { NO_RESIDUAL, put4, residualOf } from "../gemm/store";
import { inside, pointsAcross, pointsDown, tileAt, wholeAcross } from "./grid";
import { word } from "../base/words";

// Neighbouring tiles that pass together through a transform's intermediate.
const STRIP: i32 = 8;
// The intermediate, of `WORK` bytes (sizes.ts), is [row][column][channel].
const COLUMN: usize = WORK_COLUMN;
const IN_ROW: usize = WORK_IN_ROW;
const OUT_ROW: usize = WORK_OUT_ROW;

// Which vector of a pair. It is a type parameter: offsets of loads must be compile-time constants.
type First = void;
type Second = v128;

/**
 * V = B'dB of F(4x4,3x3) for `count` tiles from `first`: 6x6 input pixels at a stride of 4, points 0, 1, -1, 2, -2, infinity
 * (Lavin & Gray 2016, section 4.3). Pixels outside the image are zero. Columns that two tiles share are transformed once.
 * V has channels [firstChannel, lastChannel).
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
  const four = v128.load32_splat(FOUR);
  const step = word(record, Field.inStep);
  const width = word(record, Field.inWidth);
  const height = word(record, Field.inHeight);
  const tilesWide = word(record, WinogradField.tilesWide);
  const pixelBytes = <usize>step << 2;
  const rowBytes = <usize>width * pixelBytes;
  const zeros = <usize>word(record, Field.zeros);
  const input = <usize>word(record, Field.input);
  const padHeight = word(record, WinogradField.padHeight);
  const padWidth = word(record, WinogradField.padWidth);
  const tileBytes = <usize>(lastChannel - firstChannel) << 2;
  for (let index = 0, strip = 0; index < count; index += strip) {
    const tile = tileAt(record, first + index);
    const tileY = tile / tilesWide;
    const tileX = tile - tileY * tilesWide;
    const down = pointsDown(record, tileY);
    const across = pointsAcross(record, tileX);
    strip = stripFrom(record, tileX, down, count - index);
    const y = tileY * 4 - padHeight;
    const x = tileX * 4 - padWidth;
    for (let channel = firstChannel; channel < lastChannel; channel += CHUNK) {
      const bytes = <usize>min(CHUNK, lastChannel - channel) << 2;
      const corner = input + (<usize>channel << 2) + <usize>y * rowBytes + <usize>x * pixelBytes;
      // A row outside stays at the zeros, whatever the column.
      const mask0 = inside(y, height);
      const mask1 = inside(y + 1, height);
      const mask2 = inside(y + 2, height);
      const mask3 = inside(y + 3, height);
      const mask4 = inside(y + 4, height);
      const mask5 = inside(y + 5, height);
      const allRows = mask0 & mask1 & mask2 & mask3 & mask4 & mask5;
      let column = work;
      for (let index = 0; index < 4 * strip - 4 + across; index++) {
        let p0 = corner + <usize>index * pixelBytes;
        let p1 = p0 + rowBytes;
        let p2 = p1 + rowBytes;
        let p3 = p2 + rowBytes;
        let p4 = p3 + rowBytes;
        let p5 = p4 + rowBytes;
        const mask = inside(x + index, width);
        if (!(allRows & mask)) {
          p0 = zeros + ((p0 - zeros) & mask0 & mask);
          p1 = zeros + ((p1 - zeros) & mask1 & mask);
          p2 = zeros + ((p2 - zeros) & mask2 & mask);
          p3 = zeros + ((p3 - zeros) & mask3 & mask);
          p4 = zeros + ((p4 - zeros) & mask4 & mask);
          p5 = zeros + ((p5 - zeros) & mask5 & mask);
        }
        let to = column;
        const end = to + bytes;
        if (down < 6) {
          extrapolate(p1, p2, p3, down, to, IN_ROW, bytes);
          if (down < 4) p3 = to + 3 * IN_ROW;
          if (down < 5) p4 = to + 4 * IN_ROW;
          p5 = to + 5 * IN_ROW;
        }
        for (const pairs = to + (bytes & ~31); to < pairs; to += 32) {
          filterDown<First>(p0, p1, p2, p3, p4, p5, to, four);
          filterDown<Second>(p0, p1, p2, p3, p4, p5, to, four);
          p0 += 32;
          p1 += 32;
          p2 += 32;
          p3 += 32;
          p4 += 32;
          p5 += 32;
        }
        if (to < end) filterDown<First>(p0, p1, p2, p3, p4, p5, to, four);
        column += COLUMN;
      }
      let target = v + <usize>index * tileBytes + (<usize>(channel - firstChannel) << 2);
      const between = tileBytes - (bytes & ~31);
      for (let row: usize = 0; row < 6; row++) {
        let t0 = target;
        let t1 = t0 + plane;
        let t2 = t1 + plane;
        let t3 = t2 + plane;
        let t4 = t3 + plane;
        let t5 = t4 + plane;
        target = t5 + plane;
        let from = work + row * IN_ROW;
        if (across < 6) extrapolate(from + COLUMN, from + 2 * COLUMN, from + 3 * COLUMN, across, from, COLUMN, bytes);
        for (const last = from + (<usize>strip << 9); from < last; ) {
          const next = from + 4 * COLUMN;
          const end = from + bytes;
          for (const pairs = from + (bytes & ~31); from < pairs; from += 32) {
            filterAcross<First>(from, t0, t1, t2, t3, t4, t5, four);
            filterAcross<Second>(from, t0, t1, t2, t3, t4, t5, four);
            t0 += 32;
            t1 += 32;
            t2 += 32;
            t3 += 32;
            t4 += 32;
            t5 += 32;
          }
          if (from < end) filterAcross<First>(from, t0, t1, t2, t3, t4, t5, four);
          t0 += between;
          t1 += between;
          t2 += between;
          t3 += between;
          t4 += between;
          t5 += between;
          from = next;
        }
      }
    }
  }
}

/** Tiles that go together from column `x` of the grid on, of `count`: whole ones side by side, or else one that is not whole. */
function stripFrom(record: usize, x: i32, down: i32, count: i32): i32 {
  const whole = wholeAcross(record);
  return down < 6 || x >= whole ? 1 : min(min(count, whole - x), STRIP);
}

/**
 * Writes samples 3, 4 and 5 of a line, `step` bytes apart, of which only `points` - 2 outputs are wanted. No wanted output depends on
 * samples from `points` on. They get values for which V is zero at the points left out. Sample 3 keeps its value where it is wanted.
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

/** B'd of six rows of a tile, to rows of the intermediate: the first or the second vector of a pair. */
// @ts-ignore: decorator
@inline
function filterDown<At>(
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  p4: usize,
  p5: usize,
  to: usize,
  four: v128,
): void {
  const at: usize = isVector<At>() ? 16 : 0;
  const d1 = v128.load(p1, at);
  const d2 = v128.load(p2, at);
  const d3 = v128.load(p3, at);
  const d4 = v128.load(p4, at);
  // Shared by points 1 and -1, and by 2 and -2: they differ in the sign of the odd part.
  const even12 = nmadd(four, d2, d4);
  const odd12 = nmadd(four, d1, d3);
  const even34 = f32x4.sub(d4, d2);
  const half34 = f32x4.sub(d3, d1);
  const odd34 = f32x4.add(half34, half34);
  v128.store(to, madd(four, f32x4.sub(v128.load(p0, at), d2), even34), at);
  v128.store(to, f32x4.add(even12, odd12), at + IN_ROW);
  v128.store(to, f32x4.sub(even12, odd12), at + 2 * IN_ROW);
  v128.store(to, f32x4.add(even34, odd34), at + 3 * IN_ROW);
  v128.store(to, f32x4.sub(even34, odd34), at + 4 * IN_ROW);
  v128.store(to, nmadd(four, half34, f32x4.sub(v128.load(p5, at), d3)), at + 5 * IN_ROW);
}

/** B'd of six columns of the intermediate, to six points' planes: as `filterDown`, whose addresses would not be constants here. */
// @ts-ignore: decorator
@inline
function filterAcross<At>(
  from: usize,
  t0: usize,
  t1: usize,
  t2: usize,
  t3: usize,
  t4: usize,
  t5: usize,
  four: v128,
): void {
  const at: usize = isVector<At>() ? 16 : 0;
  const d1 = v128.load(from, at + COLUMN);
  const d2 = v128.load(from, at + 2 * COLUMN);
  const d3 = v128.load(from, at + 3 * COLUMN);
  const d4 = v128.load(from, at + 4 * COLUMN);
  const even12 = nmadd(four, d2, d4);
  const odd12 = nmadd(four, d1, d3);
  const even34 = f32x4.sub(d4, d2);
  const half34 = f32x4.sub(d3, d1);
  const odd34 = f32x4.add(half34, half34);
  v128.store(t0, madd(four, f32x4.sub(v128.load(from, at), d2), even34), at);
  v128.store(t1, f32x4.add(even12, odd12), at);
  v128.store(t2, f32x4.sub(even12, odd12), at);
  v128.store(t3, f32x4.add(even34, odd34), at);
  v128.store(t4, f32x4.sub(even34, odd34), at);
  v128.store(t5, nmadd(four, half34, f32x4.sub(v128.load(from, at + 5 * COLUMN), d3)), at);
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
  const four = v128.load32_splat(FOUR);
  const step = word(record, Field.outStep);
  const width = word(record, Field.outWidth);
  const tilesWide = word(record, WinogradField.tilesWide);
  const pixelBytes = <usize>step << 2;
  const bias = <usize>word(record, Field.bias);
  const zeros = <usize>word(record, Field.zeros);
  const output = <usize>word(record, Field.output);
  const residual = residualOf(record);
  for (let index = 0, strip = 0; index < count; index += strip) {
    const tile = tileAt(record, first + index);
    const tileY = tile / tilesWide;
    const tileX = tile - tileY * tilesWide;
    const down = pointsDown(record, tileY);
    const across = pointsAcross(record, tileX);
    strip = stripFrom(record, tileX, down, count - index);
    const y = tileY * 4;
    const rows = down - 2;
    for (let channel = firstChannel; channel < lastChannel; channel += CHUNK) {
      const bytes = <usize>min(CHUNK, lastChannel - channel) << 2;
      const source = m + <usize>index * tileBytes + (<usize>(channel - firstChannel) << 2);
      const between = tileBytes - (bytes & ~31);
      for (let column: usize = 0; column < 6; column++) {
        let p0 = source + column * plane;
        let p1 = p0 + 6 * plane;
        let p2 = p1 + 6 * plane;
        let p3 = p2 + 6 * plane;
        let p4 = p3 + 6 * plane;
        let p5 = p4 + 6 * plane;
        if (down < 6) p5 = zeros;
        if (down < 5) p4 = zeros;
        if (down < 4) p3 = zeros;
        if (<i32>column >= across) p0 = p1 = p2 = p3 = p4 = p5 = zeros;
        let to = work + column * COLUMN;
        for (const last = to + <usize>strip * (6 * COLUMN); to < last; ) {
          const next = to + 6 * COLUMN;
          const end = to + bytes;
          for (const pairs = to + (bytes & ~31); to < pairs; to += 32) {
            sumDown<First>(p0, p1, p2, p3, p4, p5, to, four);
            sumDown<Second>(p0, p1, p2, p3, p4, p5, to, four);
            p0 += 32;
            p1 += 32;
            p2 += 32;
            p3 += 32;
            p4 += 32;
            p5 += 32;
          }
          if (to < end) sumDown<First>(p0, p1, p2, p3, p4, p5, to, four);
          p0 += between;
          p1 += between;
          p2 += between;
          p3 += between;
          p4 += between;
          p5 += between;
          to = next;
        }
      }
      const bias0 = bias + (<usize>channel << 2);
      for (let row = 0; row < rows; row++) {
        let x = tileX * 4;
        let pixel = output + <usize>((y + row) * width + x) * pixelBytes + (<usize>channel << 2);
        let from = work + <usize>row * OUT_ROW;
        for (const last = from + <usize>strip * (6 * COLUMN); from < last; x += 4) {
          const next = from + 6 * COLUMN;
          const columns = min(4, width - x);
          const end = from + bytes;
          let to = pixel;
          let biasAt = bias0;
          if (columns == 4) {
            const pairs = from + (bytes & ~31);
            // One loop each, free of branches.
            if (residual != NO_RESIDUAL) {
              for (; from < pairs; from += 32) {
                sumAcross<First>(from, biasAt, to, pixelBytes, residual, true, floor, four);
                sumAcross<Second>(from, biasAt, to, pixelBytes, residual, true, floor, four);
                to += 32;
                biasAt += 32;
              }
            } else {
              for (; from < pairs; from += 32) {
                sumAcross<First>(from, biasAt, to, pixelBytes, NO_RESIDUAL, false, floor, four);
                sumAcross<Second>(from, biasAt, to, pixelBytes, NO_RESIDUAL, false, floor, four);
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
          from = next;
          pixel += pixelBytes << 2;
        }
      }
    }
  }
}

/** A'm of six rows of points, to four rows of the intermediate: the first or the second vector of a pair. */
// @ts-ignore: decorator
@inline
function sumDown<At>(
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  p4: usize,
  p5: usize,
  to: usize,
  four: v128,
): void {
  const at: usize = isVector<At>() ? 16 : 0;
  const m1 = v128.load(p1, at);
  const m2 = v128.load(p2, at);
  const m3 = v128.load(p3, at);
  const m4 = v128.load(p4, at);
  const sum12 = f32x4.add(m1, m2);
  const difference12 = f32x4.sub(m1, m2);
  const sum34 = f32x4.add(m3, m4);
  const half34 = f32x4.sub(m3, m4);
  const difference34 = f32x4.add(half34, half34);
  v128.store(to, f32x4.add(f32x4.add(v128.load(p0, at), sum12), sum34), at);
  v128.store(to, f32x4.add(difference34, difference12), at + OUT_ROW);
  v128.store(to, madd(four, sum34, sum12), at + 2 * OUT_ROW);
  v128.store(to, f32x4.add(madd(four, difference34, difference12), v128.load(p5, at)), at + 3 * OUT_ROW);
}

/** A'm of six columns of the intermediate, plus bias and residual, floored, to four pixels: the first or the second vector of a pair. */
// @ts-ignore: decorator
@inline
function sumAcross<At>(
  from: usize,
  bias: usize,
  to: usize,
  pixel: usize,
  residual: usize,
  adds: bool,
  floor: v128,
  four: v128,
): void {
  const at: usize = isVector<At>() ? 16 : 0;
  const m1 = v128.load(from, at + COLUMN);
  const m2 = v128.load(from, at + 2 * COLUMN);
  const m3 = v128.load(from, at + 3 * COLUMN);
  const m4 = v128.load(from, at + 4 * COLUMN);
  const b = v128.load(bias, at);
  const sum12 = f32x4.add(f32x4.add(m1, m2), b);
  const difference12 = f32x4.add(f32x4.sub(m1, m2), b);
  const sum34 = f32x4.add(m3, m4);
  const half34 = f32x4.sub(m3, m4);
  const difference34 = f32x4.add(half34, half34);
  let y0 = f32x4.add(f32x4.add(v128.load(from, at), sum12), sum34);
  let y1 = f32x4.add(difference34, difference12);
  let y2 = madd(four, sum34, sum12);
  let y3 = f32x4.add(madd(four, difference34, difference12), v128.load(from, at + 5 * COLUMN));
  if (adds) {
    const with0 = to + residual;
    y0 = f32x4.add(y0, v128.load(with0, at));
    y1 = f32x4.add(y1, v128.load(with0 + pixel, at));
    y2 = f32x4.add(y2, v128.load(with0 + 2 * pixel, at));
    y3 = f32x4.add(y3, v128.load(with0 + 3 * pixel, at));
  }
  v128.store(to, f32x4.pmax(y0, floor), at);
  v128.store(to + pixel, f32x4.pmax(y1, floor), at);
  v128.store(to + 2 * pixel, f32x4.pmax(y2, floor), at);
  v128.store(to + 3 * pixel, f32x4.pmax(y3, floor), at);
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
  const m1 = v128.load(from, COLUMN);
  const m2 = v128.load(from, 2 * COLUMN);
  const m3 = v128.load(from, 3 * COLUMN);
  const m4 = v128.load(from, 4 * COLUMN);
  const b = v128.load(bias);
  const sum12 = f32x4.add(f32x4.add(m1, m2), b);
  const difference12 = f32x4.add(f32x4.sub(m1, m2), b);
  const sum34 = f32x4.add(m3, m4);
  const difference34 = f32x4.sub(m3, m4);
  put4(to, residual, f32x4.add(f32x4.add(v128.load(from), sum12), sum34), floor);
  if (columns < 2) return;
  put4(to + pixel, residual, madd(f32x4.splat(2), difference34, difference12), floor);
  if (columns < 3) return;
  put4(to + 2 * pixel, residual, madd(f32x4.splat(4), sum34, sum12), floor);
  if (columns < 4) return;
  const last = f32x4.add(madd(f32x4.splat(8), difference34, difference12), v128.load(from, 5 * COLUMN));
  put4(to + 3 * pixel, residual, last, floor);
}
