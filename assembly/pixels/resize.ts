// PIL's resize: rows first, then columns, each a weighted sum of bytes with coefficients in units of 2^-22, rounded to bytes. A
// coefficient w is parted into w = 4096 * high + low, so that both fit 16 bits and pairs of products are summed by one instruction.

/** Half a unit, for rounding. */
const HALF: i32 = 1 << 21;
const UNIT_BITS: i32 = 22;
const LOW_BITS: i32 = 12;

/** Sums in units of 2^-22, from those of the low and of the high parts. */
// @ts-ignore: decorator
@inline
function rounded(low: v128, high: v128): v128 {
  const sum = i32x4.add(i32x4.add(low, i32x4.splat(HALF)), i32x4.shl(high, LOW_BITS));
  return i32x4.shr_s(sum, UNIT_BITS);
}

/** Four sums as bytes, clipped to 0..255. Writes four bytes. */
// @ts-ignore: decorator
@inline
function putPixel(target: usize, low: v128, high: v128): void {
  const words = i16x8.narrow_i32x4_s(rounded(low, high), i32x4.splat(0));
  v128.store_lane<u32>(target, i8x16.narrow_i16x8_u(words, words), 0);
}

/**
 * Shortens or lengthens rows. `source`: rows of pixels of `channels` bytes, `stride` apart. `starts`: for each of the `width` pixels of
 * a result, the byte in its row where its window begins. `weights`: for each, `groups` times the low and then the high parts of four
 * coefficients, 16 bits each. Results are rows of three bytes a pixel, `targetStride` apart, and up to 16 bytes behind each.
 */
export function horizontally(
  source: usize,
  stride: usize,
  rows: i32,
  channels: i32,
  starts: usize,
  weights: usize,
  groups: i32,
  width: i32,
  target: usize,
  targetStride: usize,
): void {
  // Pairs of pixels, channel by channel, each byte a 16-bit number.
  const isRgb = channels == 3;
  const first = isRgb
    ? i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1)
    : i8x16(0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, -1, -1, -1, -1);
  const second = isRgb
    ? i8x16(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1)
    : i8x16(8, -1, 12, -1, 9, -1, 13, -1, 10, -1, 14, -1, -1, -1, -1, -1);
  const step = <usize>(4 * channels);
  for (let y = 0; y < rows; y += 2) {
    const row = source + <usize>y * stride;
    const to = target + <usize>y * targetStride;
    // The last of an odd number is done twice.
    const isPair = y + 1 < rows;
    const nextRow = isPair ? row + stride : row;
    const nextTo = isPair ? to + targetStride : to;
    let weight = weights;
    for (let x = 0; x < width; x++) {
      const start = <usize>load<i32>(starts + (<usize>x << 2));
      let at = row + start;
      let nextAt = nextRow + start;
      let low = i32x4.splat(0);
      let high = i32x4.splat(0);
      let nextLow = i32x4.splat(0);
      let nextHigh = i32x4.splat(0);
      for (let group = 0; group < groups; group++) {
        const low01 = v128.load_splat<i32>(weight, 0);
        const low23 = v128.load_splat<i32>(weight, 4);
        const high01 = v128.load_splat<i32>(weight, 8);
        const high23 = v128.load_splat<i32>(weight, 12);
        const pixels = v128.load(at);
        const nextPixels = v128.load(nextAt);
        const a = i8x16.swizzle(pixels, first);
        const b = i8x16.swizzle(pixels, second);
        const nextA = i8x16.swizzle(nextPixels, first);
        const nextB = i8x16.swizzle(nextPixels, second);
        low = i32x4.add(low, i32x4.dot_i16x8_s(a, low01));
        high = i32x4.add(high, i32x4.dot_i16x8_s(a, high01));
        nextLow = i32x4.add(nextLow, i32x4.dot_i16x8_s(nextA, low01));
        nextHigh = i32x4.add(nextHigh, i32x4.dot_i16x8_s(nextA, high01));
        low = i32x4.add(low, i32x4.dot_i16x8_s(b, low23));
        high = i32x4.add(high, i32x4.dot_i16x8_s(b, high23));
        nextLow = i32x4.add(nextLow, i32x4.dot_i16x8_s(nextB, low23));
        nextHigh = i32x4.add(nextHigh, i32x4.dot_i16x8_s(nextB, high23));
        at += step;
        nextAt += step;
        weight += 16;
      }
      const place = <usize>(3 * x);
      putPixel(to + place, low, high);
      putPixel(nextTo + place, nextLow, nextHigh);
    }
  }
}

/**
 * Shortens or lengthens columns. `rows`: of bytes, `stride` apart. `starts`: for each of the `height` rows of the result, the byte where
 * its window begins. `weights`: for each, `pairs` times the low and then the high parts of two coefficients, 16 bits each. Results are
 * `columns` bytes each, without a gap, and up to 16 bytes behind the last.
 */
export function vertically(
  rows: usize,
  stride: usize,
  starts: usize,
  weights: usize,
  pairs: i32,
  height: i32,
  columns: i32,
  target: usize,
): void {
  for (let y = 0; y < height; y++) {
    const row = rows + <usize>load<i32>(starts + (<usize>y << 2));
    const own = weights + <usize>(y * pairs) * 8;
    for (let x = 0; x < columns; x += 16) {
      let at = row + <usize>x;
      let weight = own;
      let low0 = i32x4.splat(0);
      let low1 = i32x4.splat(0);
      let low2 = i32x4.splat(0);
      let low3 = i32x4.splat(0);
      let high0 = i32x4.splat(0);
      let high1 = i32x4.splat(0);
      let high2 = i32x4.splat(0);
      let high3 = i32x4.splat(0);
      for (let pair = 0; pair < pairs; pair++) {
        const low = v128.load_splat<i32>(weight, 0);
        const high = v128.load_splat<i32>(weight, 4);
        const upper = v128.load(at);
        const lower = v128.load(at + stride);
        const left = i8x16.shuffle(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const right = i8x16.shuffle(upper, lower, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        const a = i16x8.extend_low_i8x16_u(left);
        const b = i16x8.extend_high_i8x16_u(left);
        const c = i16x8.extend_low_i8x16_u(right);
        const d = i16x8.extend_high_i8x16_u(right);
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(a, low));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(b, low));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(c, low));
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(d, low));
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(a, high));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(b, high));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(c, high));
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(d, high));
        at += 2 * stride;
        weight += 8;
      }
      const words0 = i16x8.narrow_i32x4_s(rounded(low0, high0), rounded(low1, high1));
      const words1 = i16x8.narrow_i32x4_s(rounded(low2, high2), rounded(low3, high3));
      v128.store(target + <usize>(y * columns + x), i8x16.narrow_i16x8_u(words0, words1));
    }
  }
}
