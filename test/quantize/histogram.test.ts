import { expect, test } from "vitest";
import { Histogram } from "../../src/quantize/histogram.js";
import { generator } from "../random.js";

const random = generator(1);

/** H x W x C values of which `channels` count, the others zero; none greater than `most`, and one as great. */
function values(pixels: number, channels: number, step: number, most: number): Float32Array {
  const made = Float32Array.from({ length: pixels * step }, (_, at) =>
    at % step < channels ? most * (2 * random() - 1) * random() : 0,
  );
  made[1] = -most;
  return made;
}

test("every value counts once in its bin, however often bins were joined; padding counts nowhere", () => {
  const batches = [values(50, 3, 4, 0.25), values(80, 3, 4, 0.125), values(60, 3, 4, 3), values(9, 3, 4, 3.5)];
  const histogram = new Histogram();
  for (const batch of batches) histogram.add(batch, 3, 4);
  // The first greatest magnitude, in f32, a little beyond it, and doubled until all lie below.
  const end = 0.25 * (1 + 2 ** -20) * 16;
  expect(histogram.end).toBe(end);
  const expected = new Float64Array(2048);
  for (const batch of batches) {
    for (const [at, value] of batch.entries()) {
      if (at % 4 === 3) continue;
      const bin = Math.floor((Math.abs(value) * 2048) / end);
      expected[bin] = expected[bin]! + 1;
    }
  }
  expect([...histogram.counts]).toEqual([...expected]);
  expect(expected.reduce((sum, count) => sum + count)).toBe(3 * (50 + 80 + 60 + 9));
});

test("zeros alone have no bins", () => {
  const histogram = new Histogram();
  histogram.add(new Float32Array(16), 4, 4);
  expect(histogram.end).toBe(0);
  histogram.add(Float32Array.of(0, 2, 0, 0), 4, 4);
  expect(histogram.counts[0]).toBe(3);
  expect(histogram.counts.at(-1)).toBe(1);
});
