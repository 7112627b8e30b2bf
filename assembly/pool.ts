import { Field } from "./record";
import { word } from "./words";

/** f32 max-pool, NHWC; one piece of work is one output row. A window that lies wholly in the padding gives minus infinity. */
export function f32_max_pool(record: usize, outY: i32): void {
  const step = word(record, Field.inStep);
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const outWidth = word(record, Field.outWidth);
  const pixelBytes = <usize>step << 2;
  const rowBytes = <usize>inWidth * pixelBytes;
  const strideWidth = word(record, Field.strideWidth);
  const kernelWidth = word(record, Field.kernelWidth);
  const y = outY * word(record, Field.strideHeight) - word(record, Field.padHeight);
  const top = max(y, 0);
  const bottom = min(y + word(record, Field.kernelHeight), inHeight);
  const input = <usize>word(record, Field.input);
  let to = <usize>word(record, Field.output) + <usize>(outY * outWidth) * pixelBytes;
  let x = -word(record, Field.padWidth);
  for (let outX = 0; outX < outWidth; outX++, x += strideWidth) {
    const left = max(x, 0);
    const right = min(x + kernelWidth, inWidth);
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      let best = f32x4.splat(-Infinity);
      for (let row = top; row < bottom; row++) {
        let at = input + <usize>row * rowBytes + <usize>left * pixelBytes + channel;
        for (let column = left; column < right; column++) {
          // max, not pmax: a NaN anywhere in the window must show.
          best = f32x4.max(best, v128.load(at));
          at += pixelBytes;
        }
      }
      v128.store(to, best);
      to += 16;
    }
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
