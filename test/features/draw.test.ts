import { expect, test } from "vitest";
import { picture, shade, upsample } from "../../src/features/draw.js";
import type { HeatMap } from "../../src/options.js";

const map: HeatMap = {
  ...{ index: 0, label: "x", method: "cam", height: 1, width: 2, logit: 1, bias: 0, shares: null },
  values: Float32Array.of(0, 4),
  picture: { width: 8, height: 4 },
  region: { x: 2, y: 0, width: 4, height: 4 },
};

test("values lie at the cells' centres, straight lines between them, and nothing where the network saw nothing", () => {
  const row = upsample(map, { width: 8, height: 4 }).subarray(0, 8);
  // Centres of the cells at pixels 3 and 5; pixels' centres are halves.
  expect(Array.from(row)).toEqual([NaN, NaN, 0, 1, 3, 4, NaN, NaN]);
  // At twice the size the same places have the same values.
  const fine = upsample(map, { width: 16, height: 8 }).subarray(0, 16);
  expect(Array.from(fine.subarray(4, 12))).toEqual([0, 0, 0.5, 1.5, 2.5, 3.5, 4, 4]);
});

test("a picture in grays under the map: evidence for is red, against blue, and what was not seen is darker", () => {
  const data = new Uint8Array(3 * 8 * 4).fill(100);
  const painted = picture(map, { data, width: 8, height: 4, channels: 3 });
  const pixel = (x: number) => Array.from(painted.subarray(3 * x, 3 * x + 3));
  expect(pixel(0)).toEqual([50, 50, 50]);
  expect(pixel(2)).toEqual([100, 100, 100]);
  expect(pixel(5)[0]).toBeGreaterThan(190);
  expect(pixel(5)[2]).toBeLessThan(50);
  const against = picture({ ...map, values: Float32Array.of(0, -4) }, { data, width: 8, height: 4, channels: 3 });
  expect(against[3 * 5 + 2]).toBeGreaterThan(150);
  expect(shade(1, 0)).toEqual([0, 0, 0, 0]);
});
