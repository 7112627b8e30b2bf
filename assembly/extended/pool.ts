import { DilatedPoolField } from "../shared/extended";
import { Field, PoolField } from "../shared/record";
import { word } from "../base/words";

/** As `f32_max_pool` and `f32_average_pool`, of elements that lie apart. One piece is one row of the output. */
export function f32_dilated_pool(record: usize, outY: i32): void {
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const outWidth = word(record, Field.outWidth);
  const kernelHeight = word(record, PoolField.kernelHeight);
  const kernelWidth = word(record, PoolField.kernelWidth);
  const dilationHeight = word(record, DilatedPoolField.dilationHeight);
  const dilationWidth = word(record, DilatedPoolField.dilationWidth);
  const countedHeight = word(record, PoolField.countedHeight);
  const countedWidth = word(record, PoolField.countedWidth);
  const average = word(record, DilatedPoolField.average);
  const input = <usize>word(record, Field.input);
  const top = outY * word(record, PoolField.strideHeight) - word(record, PoolField.padHeight);
  const strideWidth = word(record, PoolField.strideWidth);
  let left = -word(record, PoolField.padWidth);
  let to = <usize>word(record, Field.output) + <usize>(outY * outWidth) * pixelBytes;
  for (let outX = 0; outX < outWidth; outX++, left += strideWidth) {
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      let best = f32x4.splat(-Infinity);
      let sum = f32x4.splat(0);
      let count = 0;
      for (let ky = 0, y = top; ky < kernelHeight; ky++, y += dilationHeight) {
        for (let kx = 0, x = left; kx < kernelWidth; kx++, x += dilationWidth) {
          const isInside = <u32>y < <u32>inHeight && <u32>x < <u32>inWidth;
          if (countedHeight ? y < countedHeight && x < countedWidth : isInside) count++;
          if (!isInside) continue;
          const value = v128.load(input + <usize>(y * inWidth + x) * pixelBytes + channel);
          if (average) sum = f32x4.add(sum, value);
          else best = f32x4.max(best, value);
        }
      }
      v128.store(to, average ? f32x4.mul(sum, f32x4.splat(<f32>1 / <f32>max(count, 1))) : best);
      to += 16;
    }
  }
}
