import { OUTLIER_BYTES, OUTLIER_HEADER_BYTES, outlierBytes } from "../shared/sizes";

/**
 * `rows` of eight output channels of integer weights, [rows][channels][taps], to their places in a panel, [tap][depth / side][8][side].
 * Other bytes of the panel stay as they are. `outliers`: where the panel's outliers are put; 0: they stay among the weights.
 */
export function packIntegers(
  source: usize,
  target: usize,
  rows: i32,
  channels: i32,
  taps: i32,
  depth: i32,
  side: i32,
  outliers: usize,
): void {
  if (!QUANTIZED) unreachable();
  const step = <usize>side << 3;
  const stride = <usize>(taps * side);
  for (let row = 0; row < rows; row++) {
    for (let tap = 0; tap < taps; tap++) {
      for (let place = 0; place < side; place++) {
        let from = source + <usize>(place * taps + tap);
        let to = target + <usize>(((tap * depth) << 3) + row * side + place);
        for (const end = source + <usize>(channels * taps); from < end; from += stride) {
          store<u8>(to, load<u8>(from));
          to += step;
        }
      }
    }
    source += <usize>(channels * taps);
  }
  if (ASC_FEATURE_RELAXED_SIMD && outliers) takeOutliers(target, taps, depth >> 2, outliers);
}

/**
 * Takes weights out of a panel, [tap][depth][8][4], so that i16 holds the sum of four products that `qs8_igemm_4x8_quads` makes: of two
 * neighbouring weights in a word, and of those in the next word. 127 times 258 is the most that it holds. Where they sum to
 * more, the first word keeps its two weights; the second word's two go to an outlier, and leave zeros.
 */
function takeOutliers(panel: usize, taps: i32, depth: i32, outliers: usize): void {
  const first = outliers + OUTLIER_HEADER_BYTES;
  const end = outliers + <usize>outlierBytes(taps * depth);
  let to = first;
  store<i32>(outliers, -1);
  let at = panel;
  for (let tap = -taps; tap < 0; tap++) {
    for (let word = 1; word < depth; word += 2) {
      const next0 = v128.load(at, 32);
      const next1 = v128.load(at, 48);
      const out0 = v128.and(next0, beyond(v128.load(at), next0));
      const out1 = v128.and(next1, beyond(v128.load(at, 16), next1));
      at += 64;
      if (!v128.any_true(v128.or(out0, out1))) continue;
      if (to == end) return;
      v128.store(to, out0);
      v128.store(to, out1, 16);
      store<i32>(to, tap << 4, 32);
      store<i32>(to, word << 2, 36);
      to += OUTLIER_BYTES;
    }
    // A last word without a next one.
    if (depth & 1) at += 32;
  }
  store<i32>(outliers, <i32>(to - first));
  for (let it = first; it < to; it += OUTLIER_BYTES) {
    const tap = (load<i32>(it, 32) >> 4) + taps;
    const from = panel + (<usize>(tap * depth) << 5) + (<usize>load<u32>(it, 36) << 3);
    v128.store(from, v128.xor(v128.load(from), v128.load(it)));
    v128.store(from, v128.xor(v128.load(from, 16), v128.load(it, 16)), 16);
  }
}

/** Ones where the positive weights of two pairs sum to more than 258, or the negative ones to less than -258. */
// @ts-ignore: decorator
@inline
function beyond(one: v128, other: v128): v128 {
  const zero = i8x16.splat(0);
  const above = i16x8.add(pairSums(i8x16.max_s(one, zero)), pairSums(i8x16.max_s(other, zero)));
  const below = i16x8.add(pairSums(i8x16.min_s(one, zero)), pairSums(i8x16.min_s(other, zero)));
  return v128.or(i16x8.gt_s(above, i16x8.splat(258)), i16x8.lt_s(below, i16x8.splat(-258)));
}

// @ts-ignore: decorator
@inline
function pairSums(weights: v128): v128 {
  return i16x8.extadd_pairwise_i8x16_s(weights);
}
