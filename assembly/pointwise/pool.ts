import { Field, PoolField } from "../shared/record";
import { word } from "../base/words";

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
  const strideWidth = word(record, PoolField.strideWidth);
  const kernelHeight = word(record, PoolField.kernelHeight);
  const kernelWidth = word(record, PoolField.kernelWidth);
  const y = outY * word(record, PoolField.strideHeight) - word(record, PoolField.padHeight);
  const top = max(y, 0);
  const bottom = min(y + kernelHeight, inHeight);
  const input = <usize>word(record, Field.input);
  let to = <usize>word(record, Field.output) + <usize>(outY * outWidth) * pixelBytes;
  let x = -word(record, PoolField.padWidth);
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

/** A whole 3x3 window. `pmax` is one instruction, `max` is six, but `pmax` drops NaNs: a separate mask finds them. */
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
 * The divisor counts the padding where `countedHeight` says so, but never what hangs over the padded image's edge.
 */
export function f32_average_pool(record: usize, outY: i32): void {
  const step = word(record, Field.inStep);
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const outWidth = word(record, Field.outWidth);
  const countedHeight = word(record, PoolField.countedHeight);
  const countedWidth = word(record, PoolField.countedWidth);
  const pixelBytes = <usize>step << 2;
  const rowBytes = <usize>inWidth * pixelBytes;
  const strideWidth = word(record, PoolField.strideWidth);
  const kernelHeight = word(record, PoolField.kernelHeight);
  const kernelWidth = word(record, PoolField.kernelWidth);
  const y = outY * word(record, PoolField.strideHeight) - word(record, PoolField.padHeight);
  const top = max(y, 0);
  const bottom = min(y + kernelHeight, inHeight);
  const paddedRows = min(y + kernelHeight, countedHeight) - y;
  const input = <usize>word(record, Field.input);
  let to = <usize>word(record, Field.output) + <usize>(outY * outWidth) * pixelBytes;
  let x = -word(record, PoolField.padWidth);
  for (let outX = 0; outX < outWidth; outX++, x += strideWidth) {
    const left = max(x, 0);
    const right = min(x + kernelWidth, inWidth);
    const paddedColumns = min(x + kernelWidth, countedWidth) - x;
    const count = countedHeight ? paddedRows * paddedColumns : (bottom - top) * (right - left);
    // A window that ceil mode lets begin in the padding has nothing to divide.
    const scale = f32x4.splat(<f32>1 / <f32>max(count, 1));
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

/**
 * f32 [1, 2, 1] / 4 along both axes, NHWC, with the image's second row and column beyond its first, and so at the far sides. One
 * piece of work is one output row.
 */
export function f32_blur_pool(record: usize, outY: i32): void {
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const outWidth = word(record, Field.outWidth);
  const stride = word(record, PoolField.strideWidth);
  const rowBytes = <usize>inWidth * pixelBytes;
  const input = <usize>word(record, Field.input);
  const y = outY * stride;
  const middle = input + <usize>y * rowBytes;
  const above = input + <usize>reflect(y - 1, inHeight) * rowBytes;
  const below = input + <usize>reflect(y + 1, inHeight) * rowBytes;
  const sixteenth = f32x4.splat(0.0625);
  let to = <usize>word(record, Field.output) + <usize>(outY * outWidth) * pixelBytes;
  for (let x = 0, outX = 0; outX < outWidth; outX++, x += stride) {
    const left = <usize>reflect(x - 1, inWidth) * pixelBytes;
    const right = <usize>reflect(x + 1, inWidth) * pixelBytes;
    let at = <usize>x * pixelBytes;
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      const sides = f32x4.add(blurDown(above, middle, below, left + channel), blurDown(above, middle, below, right + channel));
      const own = blurDown(above, middle, below, at + channel);
      v128.store(to, f32x4.mul(f32x4.add(sides, f32x4.add(own, own)), sixteenth));
      to += 16;
    }
  }
}

/** Four times the blur along a column. */
// @ts-ignore: decorator
@inline
function blurDown(above: usize, middle: usize, below: usize, at: usize): v128 {
  const own = v128.load(middle + at);
  return f32x4.add(f32x4.add(v128.load(above + at), v128.load(below + at)), f32x4.add(own, own));
}

/** Reflects an index one beyond either end; an image of one pixel repeats it. */
function reflect(at: i32, extent: i32): i32 {
  if (at < 0) return min(1, extent - 1);
  return at < extent ? at : max(extent - 2, 0);
}
