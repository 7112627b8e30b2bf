import { expect, test } from "vitest";
import { clipByDivergence, clipBySquares } from "../../src/quantize/clip.js";
import { Histogram } from "../../src/quantize/histogram.js";
import { generator } from "../random.js";

/** Of a distribution's quantiles: as even a sample as there is. */
function histogramOf(quantile: (share: number) => number, count = 400_000): Histogram {
  const histogram = new Histogram();
  histogram.add(
    Float32Array.from({ length: count }, (_, at) => quantile((at + 0.5) / count)),
    1,
    1,
  );
  return histogram;
}

/** The zero of an increasing function. */
function zero(of: (x: number) => number, low: number, high: number): number {
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (of(middle) < 0) low = middle;
    else high = middle;
  }
  return low;
}

/** Clips that are tried lie so far apart. */
const RATIO = 10 ** (1 / 80);

test("by squares, even values: clipping costs more than it saves", () => {
  // c / 254 = A - c at the least error: nothing that is tried lies nearer than A itself.
  expect(
    clipBySquares(
      histogramOf((share) => 3 * share),
      127,
    ) / 3,
  ).toBeCloseTo(1, 3);
});

test.each([
  [0.1, 127],
  [1, 127],
  [7, 127],
  [1, 255],
])("by squares, Laplace's values of mean %d in %d steps: the closed form's clip", (mean, steps) => {
  // Rounding leaves c^2 / (12 * steps^2), clipping 2 b^2 exp(-c / b) (Banner et al. 2019, "Post training 4-bit quantization").
  const best = mean * zero((x) => x / (6 * steps ** 2) - 2 * Math.exp(-x), 1, 30);
  const found = clipBySquares(
    histogramOf((share) => -mean * Math.log(1 - share), 4_000_000),
    steps,
  );
  expect(found / best).toBeGreaterThan(1 / RATIO);
  expect(found / best).toBeLessThan(RATIO);
});

test("by squares, any values: no finer search finds a clip with an error of a hundredth less", () => {
  const random = generator(5);
  for (let trial = 0; trial < 4; trial++) {
    const values = Float32Array.from({ length: 20_000 }, () => Math.abs(random() + random() - 1) / (0.02 + random()));
    const histogram = new Histogram();
    histogram.add(values, 1, 1);
    const error = (clip: number) => {
      let sum = 0;
      for (const value of values) sum += (value - (Math.min(127, Math.round((value * 127) / clip)) * clip) / 127) ** 2;
      return sum;
    };
    const most = Math.max(...values);
    const least = Math.min(...Array.from({ length: 300 }, (_, step) => error(most * 0.1 ** (step / 300))));
    expect(error(clipBySquares(histogram, 127))).toBeLessThan(1.01 * least);
  }
});

/** Kullback and Leibler's divergence of a clip, as Migacz defines it, over bins. */
function divergence({ counts, end }: Histogram, clip: number): number {
  const bins = Math.min(2048, Math.max(127, Math.round((clip * 2048) / end)));
  const groups = new Map<number, number[]>();
  for (let bin = 1; bin < bins; bin++) {
    const integer = Math.min(127, Math.round(((bin + 0.5) / bins) * 127));
    groups.set(integer, [...(groups.get(integer) ?? []), bin]);
  }
  const beyond = counts.slice(bins).reduce((sum, count) => sum + count, 0);
  const p = Array.from({ length: bins }, (_, bin) => (bin === 0 ? 0 : counts[bin]! + (bin === bins - 1 ? beyond : 0)));
  const q = new Array(bins).fill(0);
  for (const group of groups.values()) {
    const filled = group.filter((bin) => p[bin]! > 0);
    for (const bin of filled) q[bin] = group.reduce((sum, it) => sum + counts[it]!, 0) / filled.length;
  }
  const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
  const [ofP, ofQ] = [total(p), Math.max(1, total(q))];
  return total(
    p.map((value, bin) => (value > 0 ? (value / ofP) * Math.log(value / ofP / Math.max(q[bin] / ofQ, 1e-12)) : 0)),
  );
}

test("by divergence: of the clips that are tried the one that plain loops over the bins find", () => {
  const random = generator(9);
  for (const power of [1, 2, 4]) {
    const histogram = histogramOf((share) => (-Math.log(1 - share)) ** power * (1 + 0.2 * random()), 30_000);
    const last = histogram.counts.findLastIndex((count) => count > 0);
    const most = ((last + 1) * histogram.end) / 2048;
    const clips = Array.from({ length: 81 }, (_, trial) => most * 0.1 ** (trial / 80));
    const divergences = clips.map((clip) => divergence(histogram, clip));
    const found = clipByDivergence(histogram, 127);
    const index = clips.findIndex((clip) => Math.abs(clip / found - 1) < 1e-9);
    expect(divergences[index]).toBeCloseTo(Math.min(...divergences), 9);
  }
});

test("by divergence: zeros are exact, and count for nothing", () => {
  const quantile = (share: number) => (-Math.log(1 - share)) ** 3;
  const [plain, sparse] = [histogramOf(quantile, 50_000), histogramOf(quantile, 50_000)];
  sparse.add(
    Float32Array.from({ length: 200_000 }, (_, at) => (at === 0 ? 1e-3 : 0)),
    1,
    1,
  );
  expect(clipByDivergence(sparse, 127)).toBe(clipByDivergence(plain, 127));
});

test("nothing but zeros: no clip", () => {
  const histogram = new Histogram();
  expect([clipBySquares(histogram, 127), clipByDivergence(histogram, 127)]).toEqual([0, 0]);
});
