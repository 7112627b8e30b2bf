// PIL's resize: rows first, then columns, each a weighted sum of bytes with coefficients in units of 2^-22, rounded to bytes. A
// coefficient w is parted into w = 2^15 * high + low with |low| <= 2^14, so that both fit 16 bits and pairs of products are summed by one
// instruction. Sums of the low parts fit 32 bits: no part is larger than its coefficient.

/** Half a unit, for rounding. */
const HALF: i32 = 1 << 21;
const UNIT_BITS: i32 = 22;
const LOW_BITS: i32 = 15;

/**
 * Eight sums in whole units, from those of the low parts, which begin with half a unit, and of the high parts. They are narrowed to 16 bits in
 * units of 2^-7: what that clips lies outside a byte's range.
 */
// @ts-ignore: decorator
@inline
function rounded(low: v128, high: v128, nextLow: v128, nextHigh: v128): v128 {
  const sums = i32x4.add(i32x4.shr_s(low, LOW_BITS), high);
  const nextSums = i32x4.add(i32x4.shr_s(nextLow, LOW_BITS), nextHigh);
  return i16x8.shr_s(i16x8.narrow_i32x4_s(sums, nextSums), UNIT_BITS - LOW_BITS);
}

/**
 * Shortens or lengthens rows, four at a time. `source`: rows of pixels of `channels` bytes, `stride` apart. `starts`: for each of the
 * `width` pixels of a result, the byte in its row where its window begins. `weights`: for each, `pairs` times the low and then the high
 * parts of two coefficients, 16 bits each. Results are rows of three bytes a pixel, `targetStride` apart, and up to 16 bytes behind each.
 * Up to three more rows than `rows` are read and written.
 */
export function horizontally(
  source: usize,
  stride: usize,
  rows: i32,
  channels: i32,
  starts: usize,
  weights: usize,
  pairs: i32,
  width: i32,
  target: usize,
  targetStride: usize,
): void {
  // Two pixels, channel by channel, each byte a 16-bit number.
  const order =
    channels == 3
      ? i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1)
      : i8x16(0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, -1, -1, -1, -1);
  const pixels = <usize>channels << 1;
  const weightBytes = <usize>pairs << 3;
  const startsEnd = starts + (<usize>width << 2);
  for (let y = 0; y < rows; y += 4) {
    let weight = weights;
    let to = target;
    for (let start = starts; start < startsEnd; start += 4) {
      // Rows are reached from the first one: an address for each of them would not stay in a register.
      let at = source + <usize>load<i32>(start);
      let low = i32x4.splat(HALF);
      let high = i32x4.splat(0);
      let low1 = low;
      let high1 = high;
      let low2 = low;
      let high2 = high;
      let low3 = low;
      let high3 = high;
      const until = weight + weightBytes;
      do {
        const lows = v128.load_splat<i32>(weight, 0);
        const highs = v128.load_splat<i32>(weight, 4);
        const pair = i8x16.swizzle(v128.load64_zero(at), order);
        low = i32x4.add(low, i32x4.dot_i16x8_s(pair, lows));
        high = i32x4.add(high, i32x4.dot_i16x8_s(pair, highs));
        let row = at + stride;
        const pair1 = i8x16.swizzle(v128.load64_zero(row), order);
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(pair1, lows));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(pair1, highs));
        row += stride;
        const pair2 = i8x16.swizzle(v128.load64_zero(row), order);
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(pair2, lows));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(pair2, highs));
        row += stride;
        const pair3 = i8x16.swizzle(v128.load64_zero(row), order);
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(pair3, lows));
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(pair3, highs));
        at += pixels;
        weight += 8;
      } while (weight < until);
      const bytes = i8x16.narrow_i16x8_u(rounded(low, high, low1, high1), rounded(low2, high2, low3, high3));
      v128.store_lane<u32>(to, bytes, 0);
      let result = to + targetStride;
      v128.store_lane<u32>(result, bytes, 1);
      result += targetStride;
      v128.store_lane<u32>(result, bytes, 2);
      result += targetStride;
      v128.store_lane<u32>(result, bytes, 3);
      to += 3;
    }
    source += stride << 2;
    target += targetStride << 2;
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
      let low0 = i32x4.splat(HALF);
      let low1 = low0;
      let low2 = low0;
      let low3 = low0;
      let high0 = i32x4.splat(0);
      let high1 = high0;
      let high2 = high0;
      let high3 = high0;
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
      const bytes = i8x16.narrow_i16x8_u(rounded(low0, high0, low1, high1), rounded(low2, high2, low3, high3));
      v128.store(target + <usize>(y * columns + x), bytes);
    }
  }
}
