import { Field, PointwiseField, PoolField } from "../shared/record";
import { word } from "../base/words";
import { rounded } from "./store";

/**
 * int8 max-pool, NHWC, bytes, without a sign with `relu`; one piece of work is one output row. A record's `inStep` counts words of four
 * bytes.
 */
export function qs8_max_pool(record: usize, outY: i32): void {
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const outWidth = word(record, Field.outWidth);
  const rowBytes = <usize>inWidth * pixelBytes;
  const strideWidth = word(record, PoolField.strideWidth);
  const kernelWidth = word(record, PoolField.kernelWidth);
  const y = outY * word(record, PoolField.strideHeight) - word(record, PoolField.padHeight);
  const top = max(y, 0);
  const bottom = min(y + word(record, PoolField.kernelHeight), inHeight);
  const input = <usize>word(record, Field.input);
  let to = <usize>word(record, Field.output) + <usize>(outY * outWidth) * pixelBytes;
  const isUnsigned = word(record, Field.relu) != 0;
  let x = -word(record, PoolField.padWidth);
  for (let outX = 0; outX < outWidth; outX++, x += strideWidth) {
    const left = max(x, 0);
    const right = min(x + kernelWidth, inWidth);
    const corner = input + <usize>top * rowBytes + <usize>left * pixelBytes;
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      let best = i8x16.splat(isUnsigned ? 0 : -127);
      let line = corner + channel;
      for (let row = top; row < bottom; row++) {
        let at = line;
        for (let column = left; column < right; column++) {
          const value = v128.load(at);
          best = isUnsigned ? i8x16.max_u(best, value) : i8x16.max_s(best, value);
          at += pixelBytes;
        }
        line += rowBytes;
      }
      v128.store(to, best);
      to += 16;
    }
  }
}

/** Pixels whose bytes an i16 sums without overflow: 256 * 127 < 2^15. */
const PIXELS: i32 = 256;

/**
 * Global average pool of bytes to i16, 64 times as fine: round(sum * f32(64 / pixels)), ties to even. One piece of work is sixteen
 * channels. `scalar`: that factor.
 */
export function qs8_global_average_pool(record: usize, piece: i32): void {
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  let at = <usize>word(record, Field.input) + (<usize>piece << 4);
  const to = <usize>word(record, Field.output) + (<usize>piece << 5);
  const factor = f32x4.splat(reinterpret<f32>(word(record, PointwiseField.scalar)));
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let left = word(record, Field.inHeight) * word(record, Field.inWidth); left > 0; left -= PIXELS) {
    let low = i16x8.splat(0);
    let high = low;
    for (let pixel = min(left, PIXELS); pixel > 0; pixel--) {
      const values = v128.load(at);
      low = i16x8.add(low, i16x8.extend_low_i8x16_s(values));
      high = i16x8.add(high, i16x8.extend_high_i8x16_s(values));
      at += pixelBytes;
    }
    s0 = i32x4.add(s0, i32x4.extend_low_i16x8_s(low));
    s1 = i32x4.add(s1, i32x4.extend_high_i16x8_s(low));
    s2 = i32x4.add(s2, i32x4.extend_low_i16x8_s(high));
    s3 = i32x4.add(s3, i32x4.extend_high_i16x8_s(high));
  }
  v128.store(to, i16x8.narrow_i32x4_s(average(s0, factor), average(s1, factor)));
  v128.store(to, i16x8.narrow_i32x4_s(average(s2, factor), average(s3, factor)), 16);
}

// @ts-ignore: decorator
@inline
function average(sum: v128, factor: v128): v128 {
  return rounded(f32x4.mul(f32x4.convert_i32x4_s(sum), factor));
}

/** As `f32_zero_pad_shortcut`, on bytes; `before` counts bytes. */
export function qs8_zero_pad_shortcut(record: usize, outY: i32): void {
  const inBytes = <usize>word(record, Field.inStep) << 2;
  const outBytes = <usize>word(record, Field.outStep) << 2;
  const outWidth = word(record, Field.outWidth);
  const stride = word(record, PointwiseField.strideWidth);
  const inWidth = word(record, Field.inWidth);
  const channels = <usize>word(record, PointwiseField.channels);
  const before = <usize>word(record, PointwiseField.before);
  let from = <usize>word(record, Field.input) + <usize>(outY * word(record, PointwiseField.strideHeight) * inWidth) * inBytes;
  let to = <usize>word(record, Field.output) + <usize>(outY * outWidth) * outBytes;
  memory.fill(to, 0, <usize>outWidth * outBytes);
  for (let x = 0; x < outWidth; x++) {
    memory.copy(to + before, from, channels);
    from += <usize>stride * inBytes;
    to += outBytes;
  }
}
