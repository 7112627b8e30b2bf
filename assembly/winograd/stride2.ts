import { Field, WinogradField } from "../shared/record";
import { madd, nmadd } from "../base/simd";
import { STRIDE2_PHASES as PHASES, STRIDE2_POINTS as POINTS, WORK_CHANNELS as CHUNK, WORK_COLUMN } from "../shared/sizes";
import { put4, residualOf } from "../gemm/store";
import { inside, pointsAcross, pointsDown, tileAt } from "./grid";
import { word } from "../base/words";

/**
 * Transforms of f32 3x3 stride-2 convolution by minimal filtering of its phases, tiles of 4x4 outputs. Along one axis the even
 * samples meet taps 0 and 2, which is F(4,2), and the odd ones tap 1, which is F(4,1). They have four points in common, where
 * their products are one sum, and the even phase has one more: 2, 1, -1, 0, infinity, of which the odd phase lacks 2. In two
 * dimensions 81 multiplications a channel make 16 outputs, where directly it takes 144.
 *
 * Filters are free of factors (`transformFilterStride2`): at the odd phase's points they are all the same.
 */

// Pairs of point and phase along one axis: 2 even, 1 even, 1 odd, -1 even, -1 odd, 0 even, 0 odd, infinity even, infinity odd.
/** Which of an axis's six different filters a (point, phase) has: the odd phase has the last one at any point. */
export function filterOf(phase: i32): i32 {
  return phase > 0 && (phase & 1) == 0 ? 5 : (phase + 1) >> 1;
}

// The transforms' intermediate is [row][column][channel], of few channels.
const COLUMN: usize = WORK_COLUMN;
const IN_ROW: usize = PHASES * COLUMN;
const OUT_ROW: usize = POINTS * COLUMN;

/**
 * V for `count` tiles from `first`, channels [firstChannel, lastChannel): planes of [tile][channel], one for each pair of a
 * vertical and a horizontal (point, phase). Pixels outside the image are zero.
 */
export function inputTransformStride2(
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
  const tilesWide = word(record, WinogradField.tilesWide);
  const pixelBytes = <usize>step << 2;
  const rowBytes = <usize>width * pixelBytes;
  const zeros = <usize>word(record, Field.zeros);
  const input = <usize>word(record, Field.input);
  const tileBytes = <usize>(lastChannel - firstChannel) << 2;
  for (let index = 0; index < count; index++) {
    const tile = tileAt(record, first + index);
    const tileY = tile / tilesWide;
    const tileX = tile - tileY * tilesWide;
    const down = pointsDown(record, tileY);
    const across = pointsAcross(record, tileX);
    const y = 8 * tileY - word(record, WinogradField.padHeight);
    const x = 8 * tileX - word(record, WinogradField.padWidth);
    for (let channel = firstChannel; channel < lastChannel; channel += CHUNK) {
      const bytes = <usize>min(CHUNK, lastChannel - channel) << 2;
      const corner = input + (<usize>channel << 2) + <usize>y * rowBytes + <usize>x * pixelBytes;
      for (let column = 0; column < 2 * across - 1; column++) {
        const at = corner + <usize>column * pixelBytes;
        const within = inside(x + column, width);
        phases(
          pointer(at, within & inside(y, height), zeros),
          pointer(at + rowBytes, within & inside(y + 1, height), zeros),
          pointer(at + 2 * rowBytes, within & inside(y + 2, height), zeros),
          pointer(at + 3 * rowBytes, within & inside(y + 3, height), zeros),
          pointer(at + 4 * rowBytes, within & inside(y + 4, height), zeros),
          pointer(at + 5 * rowBytes, within & inside(y + 5, height), zeros),
          pointer(at + 6 * rowBytes, within & inside(y + 6, height), zeros),
          pointer(at + 7 * rowBytes, within & inside(y + 7, height), zeros),
          pointer(at + 8 * rowBytes, within & inside(y + 8, height), zeros),
          down,
          work + <usize>column * COLUMN,
          IN_ROW,
          bytes,
          work + 9 * IN_ROW,
        );
      }
      let target = v + <usize>index * tileBytes + (<usize>(channel - firstChannel) << 2);
      for (let row = 0; row < 2 * down - 1; row++) {
        const from = work + <usize>row * IN_ROW;
        phases(
          from,
          from + COLUMN,
          from + 2 * COLUMN,
          from + 3 * COLUMN,
          from + 4 * COLUMN,
          from + 5 * COLUMN,
          from + 6 * COLUMN,
          from + 7 * COLUMN,
          from + 8 * COLUMN,
          across,
          target,
          plane,
          bytes,
          work + 9 * IN_ROW,
        );
        target += <usize>PHASES * plane;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function pointer(at: usize, mask: usize, zeros: usize): usize {
  return zeros + ((at - zeros) & mask);
}

/**
 * Nine samples, even and odd ones in turn, to `points` points of both phases, `step` bytes apart. Samples on which no wanted
 * output depends are such that the points left out would be zero; `spare` has room for two of them.
 */
function phases(
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  p4: usize,
  p5: usize,
  p6: usize,
  p7: usize,
  p8: usize,
  points: i32,
  to: usize,
  step: usize,
  bytes: usize,
  spare: usize,
): void {
  if (points < 4) {
    extrapolate(p0, p2, p4, points, spare, bytes);
    p5 = p1;
    p6 = spare + COLUMN;
    if (points < 3) {
      p3 = p1;
      p4 = spare;
    }
  }
  const end = to + bytes;
  for (; to < end; to += 16) {
    filter(p0, p1, p2, p3, p4, p5, p6, p7, p8, points, to, step);
    p0 += 16;
    p1 += 16;
    p2 += 16;
    p3 += 16;
    p4 += 16;
    p5 += 16;
    p6 += 16;
    p7 += 16;
    p8 += 16;
  }
}

/** Even samples 2 and 3 of a line of which one or two outputs are wanted. */
function extrapolate(e0: usize, e1: usize, e2: usize, points: i32, to: usize, bytes: usize): void {
  const two = f32x4.splat(2);
  for (const end = to + bytes; to < end; to += 16) {
    const first = v128.load(e0);
    const second = v128.load(e1);
    if (points == 3) {
      v128.store(to + COLUMN, madd(two, f32x4.sub(v128.load(e2), first), second));
    } else {
      const third = nmadd(two, first, f32x4.mul(f32x4.splat(3), second));
      v128.store(to, third);
      v128.store(to + COLUMN, nmadd(two, second, f32x4.mul(f32x4.splat(3), third)));
    }
    e0 += 16;
    e1 += 16;
    e2 += 16;
  }
}

/** The points' factors are here, and not with the filters: 1/6, -1/2, -1/6, 1/2 and 1 of even ones, 1/2, 1/2, -1 and 1 of odd ones. */
// @ts-ignore: decorator
@inline
function filter(
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  p4: usize,
  p5: usize,
  p6: usize,
  p7: usize,
  p8: usize,
  points: i32,
  to: usize,
  step: usize,
): void {
  const half = f32x4.splat(0.5);
  const e1 = v128.load(p2);
  const e2 = v128.load(p4);
  const e3 = v128.load(p6);
  const difference = f32x4.sub(e3, e1);
  const atTwo = f32x4.mul(difference, f32x4.splat(<f32>(1.0 / 6)));
  v128.store(to, atTwo);
  to += step;
  v128.store(to, madd(half, f32x4.sub(e2, e3), e1));
  to += step;
  const o1 = v128.load(p3);
  const o2 = v128.load(p5);
  v128.store(to, f32x4.mul(half, f32x4.add(o1, o2)));
  if (points < 3) return;
  to += step;
  v128.store(to, f32x4.sub(f32x4.mul(half, f32x4.sub(e2, e1)), atTwo));
  to += step;
  v128.store(to, f32x4.mul(half, f32x4.sub(o2, o1)));
  if (points < 4) return;
  to += step;
  v128.store(to, madd(half, difference, f32x4.sub(v128.load(p0), e2)));
  to += step;
  v128.store(to, f32x4.sub(v128.load(p1), o2));
  if (points < 5) return;
  to += step;
  v128.store(to, nmadd(f32x4.splat(2), difference, f32x4.sub(v128.load(p8), e2)));
  to += step;
  v128.store(to, f32x4.sub(v128.load(p7), o1));
}

/**
 * Y = A'MA, plus bias and residual, floored, into the output pixels that exist. M is [point][tile][channel], of channels
 * [firstChannel, lastChannel), tiles `tileBytes` apart.
 */
export function outputTransformStride2(
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
  const width = word(record, Field.outWidth);
  const tilesWide = word(record, WinogradField.tilesWide);
  const pixelBytes = <usize>word(record, Field.outStep) << 2;
  const bias = <usize>word(record, Field.bias);
  const zeros = <usize>word(record, Field.zeros);
  const output = <usize>word(record, Field.output);
  const residual = residualOf(record);
  for (let index = 0; index < count; index++) {
    const tile = tileAt(record, first + index);
    const tileY = tile / tilesWide;
    const tileX = tile - tileY * tilesWide;
    const down = pointsDown(record, tileY);
    const across = pointsAcross(record, tileX);
    const rows = down - 1;
    const columns = min(4, width - 4 * tileX);
    for (let channel = firstChannel; channel < lastChannel; channel += CHUNK) {
      const bytes = <usize>min(CHUNK, lastChannel - channel) << 2;
      let source = m + <usize>index * tileBytes + (<usize>(channel - firstChannel) << 2);
      for (let column = 0; column < POINTS; column++) {
        const missing = column >= across;
        let p0 = missing ? zeros : source;
        let p1 = missing ? zeros : p0 + 5 * plane;
        let p2 = missing || down < 3 ? zeros : p1 + 5 * plane;
        let p3 = missing || down < 4 ? zeros : p2 + 5 * plane;
        let p4 = missing || down < 5 ? zeros : p3 + 5 * plane;
        let to = work + <usize>column * COLUMN;
        const end = to + bytes;
        for (; to < end; to += 16) {
          sumDown(p0, p1, p2, p3, p4, to);
          p0 += 16;
          p1 += 16;
          p2 += 16;
          p3 += 16;
          p4 += 16;
        }
        source += plane;
      }
      for (let row = 0; row < rows; row++) {
        let from = work + <usize>row * OUT_ROW;
        let to = output + <usize>((4 * tileY + row) * width + 4 * tileX) * pixelBytes + (<usize>channel << 2);
        let biasAt = bias + (<usize>channel << 2);
        for (const end = from + bytes; from < end; from += 16) {
          sumAcross(from, biasAt, to, pixelBytes, residual, floor, columns);
          biasAt += 16;
          to += 16;
        }
      }
    }
  }
}

/** A'm of five rows of points, to four rows of the intermediate. */
// @ts-ignore: decorator
@inline
function sumDown(p0: usize, p1: usize, p2: usize, p3: usize, p4: usize, to: usize): void {
  const two = v128.load(p0);
  const m1 = v128.load(p1);
  const m2 = v128.load(p2);
  const sum = f32x4.add(m1, m2);
  const difference = f32x4.sub(m1, m2);
  v128.store(to, f32x4.add(f32x4.add(two, sum), v128.load(p3)));
  v128.store(to, madd(f32x4.splat(2), two, difference), OUT_ROW);
  v128.store(to, madd(f32x4.splat(4), two, sum), 2 * OUT_ROW);
  v128.store(to, f32x4.add(madd(f32x4.splat(8), two, difference), v128.load(p4)), 3 * OUT_ROW);
}

/** A'm of five columns of the intermediate, plus bias and residual, floored, to up to four pixels. */
// @ts-ignore: decorator
@inline
function sumAcross(
  from: usize,
  bias: usize,
  to: usize,
  pixel: usize,
  residual: usize,
  floor: v128,
  columns: i32,
): void {
  const two = v128.load(from);
  const m1 = v128.load(from, COLUMN);
  const m2 = v128.load(from, 2 * COLUMN);
  const b = v128.load(bias);
  const sum = f32x4.add(f32x4.add(m1, m2), b);
  const difference = f32x4.add(f32x4.sub(m1, m2), b);
  put4(to, residual, f32x4.add(f32x4.add(two, sum), v128.load(from, 3 * COLUMN)), floor);
  if (columns < 2) return;
  to += pixel;
  put4(to, residual, madd(f32x4.splat(2), two, difference), floor);
  if (columns < 3) return;
  to += pixel;
  put4(to, residual, madd(f32x4.splat(4), two, sum), floor);
  if (columns < 4) return;
  to += pixel;
  put4(to, residual, f32x4.add(madd(f32x4.splat(8), two, difference), v128.load(from, 4 * COLUMN)), floor);
}
