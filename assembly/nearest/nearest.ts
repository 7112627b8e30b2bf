/**
 * Approximate similarities of one query to `count` vectors of bytes, f32 each, to `result`: the integers' product times the vector's own
 * scale. `step`: bytes of a vector, a multiple of 16, at most 8192. `query`: i16 of at most 2047, so that a whole sum stays below 2^31.
 */
export function similarities(
  vectors: usize,
  count: i32,
  step: i32,
  query: usize,
  scales: usize,
  result: usize,
): void {
  let at = vectors;
  const bytes = <usize>step;
  // Four vectors meet each part of the query while it is in registers.
  let index: i32 = 0;
  for (; index + 4 <= count; index += 4, at += bytes << 2) {
    let s0 = i32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    const one = at + bytes;
    const two = one + bytes;
    const three = two + bytes;
    for (let byte: usize = 0; byte < bytes; byte += 16) {
      const low = v128.load(query + (byte << 1));
      const high = v128.load(query + (byte << 1), 16);
      s0 = added(s0, v128.load(at + byte), low, high);
      s1 = added(s1, v128.load(one + byte), low, high);
      s2 = added(s2, v128.load(two + byte), low, high);
      s3 = added(s3, v128.load(three + byte), low, high);
    }
    // Sums of the four, side by side: a transpose of pairs, twice.
    const a = i32x4.add(
      v128.shuffle<i32>(s0, s1, 0, 4, 1, 5),
      v128.shuffle<i32>(s0, s1, 2, 6, 3, 7),
    );
    const b = i32x4.add(
      v128.shuffle<i32>(s2, s3, 0, 4, 1, 5),
      v128.shuffle<i32>(s2, s3, 2, 6, 3, 7),
    );
    const sums = i32x4.add(v128.shuffle<i32>(a, b, 0, 1, 4, 5), v128.shuffle<i32>(a, b, 2, 3, 6, 7));
    const to = <usize>index << 2;
    v128.store(result + to, f32x4.mul(f32x4.convert_i32x4_s(sums), v128.load(scales + to)));
  }
  for (; index < count; index++, at += bytes) {
    let sum = i32x4.splat(0);
    for (let byte: usize = 0; byte < bytes; byte += 16) {
      sum = added(sum, v128.load(at + byte), v128.load(query + (byte << 1)), v128.load(query + (byte << 1), 16));
    }
    const whole =
      i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3);
    const to = <usize>index << 2;
    store<f32>(result + to, <f32>whole * load<f32>(scales + to));
  }
}

/** The sums of sixteen products more. */
// @ts-ignore: decorator
@inline
function added(sum: v128, bytes: v128, low: v128, high: v128): v128 {
  const first = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(bytes), low);
  return i32x4.add(i32x4.add(sum, first), i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(bytes), high));
}
