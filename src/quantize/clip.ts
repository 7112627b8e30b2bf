import type { Histogram } from "./histogram.js";

/** The first clip that is tried, as a share of the greatest magnitude; then finer ones in equal ratios. */
const LEAST = 0.1;
const TRIALS = 80;

/** Clips from the greatest magnitude down. */
function clips({ counts, end }: Histogram): number[] {
  const last = counts.findLastIndex((count) => count > 0);
  const most = ((last + 1) * end) / counts.length;
  return Array.from({ length: TRIALS + 1 }, (_, trial) => most * LEAST ** (trial / TRIALS));
}

/** The clip with the least squared error of rounding to so many steps above zero and of clipping, over the bins' middles. */
export function clipBySquares(histogram: Histogram, steps: number): number {
  const { counts, end } = histogram;
  const width = end / counts.length;
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (const clip of clips(histogram)) {
    const step = clip / steps;
    let error = 0;
    for (let bin = 0; bin < counts.length; bin++) {
      const count = counts[bin]!;
      if (count === 0) continue;
      const value = (bin + 0.5) * width;
      // Within a bin values are even: their own spread adds to what the middle's rounding leaves, but for those that are clipped.
      const rounded = Math.min(steps, Math.round(value / step)) * step;
      error += count * (value - rounded) ** 2;
    }
    if (error < least) [best, least] = [clip, error];
  }
  return best;
}

/**
 * The clip whose integers' distribution is nearest to the values', by Kullback and Leibler's divergence (Migacz 2017, "8-bit inference
 * with TensorRT"): what is clipped counts as the greatest value, and each integer stands evenly for the bins that round to it.
 * Zeros are left out: they are exact.
 */
export function clipByDivergence(histogram: Histogram, steps: number): number {
  const { counts, end } = histogram;
  const width = end / counts.length;
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  const total = counts.reduce((sum, count) => sum + count, 0) - counts[0]!;
  if (total === 0) return clips(histogram)[0]!;
  for (const clip of clips(histogram)) {
    const bins = Math.min(counts.length, Math.max(steps, Math.round(clip / width)));
    const reference = counts.slice(0, bins);
    reference[0] = 0;
    for (let bin = bins; bin < counts.length; bin++) reference[bins - 1] = reference[bins - 1]! + counts[bin]!;
    // Each integer's bins, without those that were clipped, spread over the ones that hold something.
    const sums = new Float64Array(steps + 1);
    const filled = new Float64Array(steps + 1);
    const integer = (bin: number) => Math.min(steps, Math.round(((bin + 0.5) * steps) / bins));
    for (let bin = 1; bin < bins; bin++) {
      const at = integer(bin);
      sums[at] = sums[at]! + counts[bin]!;
      if (reference[bin]! > 0) filled[at] = filled[at]! + 1;
    }
    const kept = sums.reduce((sum, it) => sum + it, 0);
    let divergence = 0;
    for (let bin = 1; bin < bins; bin++) {
      if (reference[bin]! === 0) continue;
      const p = reference[bin]! / total;
      const q = Math.max(sums[integer(bin)]! / filled[integer(bin)]! / Math.max(kept, 1), 1e-12);
      divergence += p * Math.log(p / q);
    }
    if (divergence < least) [best, least] = [clip, divergence];
  }
  return best;
}
