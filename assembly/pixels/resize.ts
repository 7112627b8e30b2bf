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

/** Two pixels, channel by channel, each byte a 16-bit number. (Shuffles of any other kind load their order each time.) Reads 8 bytes each. */
// @ts-ignore: decorator
@inline
function paired(first: usize, second: usize): v128 {
  return i16x8.shuffle(v128.load_ext<u8>(first), v128.load_ext<u8>(second), 0, 8, 1, 9, 2, 10, 3, 11);
}

/**
 * Shortens or lengthens rows. `source`: rows of pixels of `channels` bytes, `stride` apart. `starts`: for each of the `width` pixels of
 * a result, the byte in its row where its window begins. `weights`: for each, `pairs` times the low and then the high parts of two
 * coefficients, 16 bits each. Results are rows of three bytes a pixel, `targetStride` apart, and up to 16 bytes behind each.
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
  const pixel = <usize>channels;
  const weightBytes = <usize>pairs << 3;
  const last = rows - 1;
  for (let y = 0; y < rows; y += 4) {
    // Of fewer rows that are left the last one is done again.
    const y1 = min(y + 1, last);
    const y2 = min(y + 2, last);
    const y3 = min(y + 3, last);
    const row = source + <usize>y * stride;
    const row1 = source + <usize>y1 * stride;
    const row2 = source + <usize>y2 * stride;
    const row3 = source + <usize>y3 * stride;
    let to = target + <usize>y * targetStride;
    let to1 = target + <usize>y1 * targetStride;
    let to2 = target + <usize>y2 * targetStride;
    let to3 = target + <usize>y3 * targetStride;
    let weight = weights;
    for (let x = 0; x < width; x++) {
      let at = <usize>load<i32>(starts + (<usize>x << 2));
      let low = i32x4.splat(0);
      let high = i32x4.splat(0);
      let low1 = i32x4.splat(0);
      let high1 = i32x4.splat(0);
      let low2 = i32x4.splat(0);
      let high2 = i32x4.splat(0);
      let low3 = i32x4.splat(0);
      let high3 = i32x4.splat(0);
      const until = weight + weightBytes;
      do {
        const lows = v128.load_splat<i32>(weight, 0);
        const highs = v128.load_splat<i32>(weight, 4);
        const next = at + pixel;
        const pair = paired(row + at, row + next);
        low = i32x4.add(low, i32x4.dot_i16x8_s(pair, lows));
        high = i32x4.add(high, i32x4.dot_i16x8_s(pair, highs));
        const pair1 = paired(row1 + at, row1 + next);
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(pair1, lows));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(pair1, highs));
        const pair2 = paired(row2 + at, row2 + next);
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(pair2, lows));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(pair2, highs));
        const pair3 = paired(row3 + at, row3 + next);
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(pair3, lows));
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(pair3, highs));
        at = next + pixel;
        weight += 8;
      } while (weight < until);
      const words = i16x8.narrow_i32x4_s(rounded(low, high), rounded(low1, high1));
      const words2 = i16x8.narrow_i32x4_s(rounded(low2, high2), rounded(low3, high3));
      const bytes = i8x16.narrow_i16x8_u(words, words2);
      v128.store_lane<u32>(to, bytes, 0);
      v128.store_lane<u32>(to1, bytes, 1);
      v128.store_lane<u32>(to2, bytes, 2);
      v128.store_lane<u32>(to3, bytes, 3);
      to += 3;
      to1 += 3;
      to2 += 3;
      to3 += 3;
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
