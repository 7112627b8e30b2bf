import { Field } from "./record";
import { word } from "./words";

/**
 * f32 max-pool, NHWC; one piece of work is one output row. A window that lies wholly in the padding gives minus infinity, and
 * a NaN anywhere in a window shows.
 */
export function f32_max_pool(record: usize, outY: i32): void {
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const outWidth = word(record, Field.outWidth);
  const rowBytes = <usize>inWidth * pixelBytes;
  const strideWidth = word(record, Field.strideWidth);
  const kernelHeight = word(record, Field.kernelHeight);
  const kernelWidth = word(record, Field.kernelWidth);
  const y = outY * word(record, Field.strideHeight) - word(record, Field.padHeight);
  const top = max(y, 0);
  const bottom = min(y + kernelHeight, inHeight);
  const input = <usize>word(record, Field.input);
  let to = <usize>word(record, Field.output) + <usize>(outY * outWidth) * pixelBytes;
  let x = -word(record, Field.padWidth);
  for (let outX = 0; outX < outWidth; outX++, x += strideWidth) {
    const left = max(x, 0);
    const right = min(x + kernelWidth, inWidth);
    const corner = input + <usize>top * rowBytes + <usize>left * pixelBytes;
    if (bottom - top == 3 && right - left == 3) {
      max3x3(corner, rowBytes, pixelBytes, to);
      to += pixelBytes;
      continue;
    }
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      let best = f32x4.splat(-Infinity);
      for (let row = top; row < bottom; row++) {
        let at = corner + <usize>(row - top) * rowBytes + channel;
        for (let column = left; column < right; column++) {
          best = f32x4.max(best, v128.load(at));
          at += pixelBytes;
        }
      }
      v128.store(to, best);
      to += 16;
    }
  }
}

/** A whole 3x3 window. `pmax` is one instruction where `max` is six, and drops NaNs: they are sought beside it. */
// @ts-ignore: decorator
@inline
function max3x3(corner: usize, rowBytes: usize, pixelBytes: usize, to: usize): void {
  let p0 = corner;
  let p1 = p0 + rowBytes;
  let p2 = p1 + rowBytes;
  const twoPixels = pixelBytes << 1;
  for (const end = to + pixelBytes; to < end; to += 16) {
    let best = v128.load(p0);
    let nan = f32x4.ne(best, best);
    let next = v128.load(p0 + pixelBytes);
    best = f32x4.pmax(best, next);
    nan = v128.or(nan, f32x4.ne(next, next));
    next = v128.load(p0 + twoPixels);
    best = f32x4.pmax(best, next);
    nan = v128.or(nan, f32x4.ne(next, next));
    next = v128.load(p1);
    best = f32x4.pmax(best, next);
    nan = v128.or(nan, f32x4.ne(next, next));
    next = v128.load(p1 + pixelBytes);
    best = f32x4.pmax(best, next);
    nan = v128.or(nan, f32x4.ne(next, next));
    next = v128.load(p1 + twoPixels);
    best = f32x4.pmax(best, next);
    nan = v128.or(nan, f32x4.ne(next, next));
    next = v128.load(p2);
    best = f32x4.pmax(best, next);
    nan = v128.or(nan, f32x4.ne(next, next));
    next = v128.load(p2 + pixelBytes);
    best = f32x4.pmax(best, next);
    nan = v128.or(nan, f32x4.ne(next, next));
    next = v128.load(p2 + twoPixels);
    best = f32x4.pmax(best, next);
    nan = v128.or(nan, f32x4.ne(next, next));
    v128.store(to, v128.or(best, nan));
    p0 += 16;
    p1 += 16;
    p2 += 16;
  }
}

/**
 * f32 average pool, NHWC; one piece of work is one output row. A window the size of the image is global average pooling.
 * The divisor counts the padding where `countPadding` says so, but never what hangs over the padded image's edge.
 */
export function f32_average_pool(record: usize, outY: i32): void {
  const step = word(record, Field.inStep);
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const outWidth = word(record, Field.outWidth);
  const padHeight = word(record, Field.padHeight);
  const padWidth = word(record, Field.padWidth);
  const pixelBytes = <usize>step << 2;
  const rowBytes = <usize>inWidth * pixelBytes;
  const strideWidth = word(record, Field.strideWidth);
  const kernelHeight = word(record, Field.kernelHeight);
  const kernelWidth = word(record, Field.kernelWidth);
  const countPadding = word(record, Field.countPadding);
  const y = outY * word(record, Field.strideHeight) - padHeight;
  const top = max(y, 0);
  const bottom = min(y + kernelHeight, inHeight);
  const paddedRows = min(y + kernelHeight, inHeight + padHeight) - y;
  const input = <usize>word(record, Field.input);
  let to = <usize>word(record, Field.output) + <usize>(outY * outWidth) * pixelBytes;
  let x = -padWidth;
  for (let outX = 0; outX < outWidth; outX++, x += strideWidth) {
    const left = max(x, 0);
    const right = min(x + kernelWidth, inWidth);
    const paddedColumns = min(x + kernelWidth, inWidth + padWidth) - x;
    const count = countPadding ? paddedRows * paddedColumns : (bottom - top) * (right - left);
    const scale = f32x4.splat(<f32>1 / <f32>count);
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      let sum = f32x4.splat(0);
      for (let row = top; row < bottom; row++) {
        let at = input + <usize>row * rowBytes + <usize>left * pixelBytes + channel;
        for (let column = left; column < right; column++) {
          sum = f32x4.add(sum, v128.load(at));
          at += pixelBytes;
        }
      }
      v128.store(to, f32x4.mul(sum, scale));
      to += 16;
    }
  }
}
