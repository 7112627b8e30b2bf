import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Resizer } from "../../src/image/fast-resize.js";
import type { Pixels } from "../../src/image/pixels.js";
import { resize, resizeTables } from "../../src/image/resize.js";
import { root } from "../built.js";
import { generator } from "../random.js";

// `resize` itself is compared with PIL's in resize.test.ts: here the module of pixels must have its bytes.
const fast = new Resizer(new WebAssembly.Module(readFileSync(new URL("dist/pixels.wasm", root)))).resize;

const isSame = (a: Uint8ClampedArray, b: Uint8ClampedArray) =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

function noise(width: number, height: number, channels: 3 | 4, seed: number): Pixels {
  const next = generator(seed);
  // Half of the bytes at an end of their range, where sums overshoot.
  const data = Uint8Array.from({ length: width * height * channels }, () => {
    const value = next();
    return value < 0.25 ? 0 : value > 0.75 ? 255 : Math.floor(256 * next());
  });
  return { data, width, height, channels };
}

test("random pictures, sizes and regions, all filters, RGB and RGBA: bytes equal", () => {
  const next = generator(1);
  const side = (most: number) => 1 + Math.floor(most * next() ** 2);
  for (let trial = 0; trial < 300; trial++) {
    const pixels = noise(side(300), side(300), next() < 0.5 ? 3 : 4, trial);
    const [width, height] = [side(200), side(200)];
    const [x, y] = [Math.floor(width * next()), Math.floor(height * next())];
    const region = {
      ...{ x, y },
      width: 1 + Math.floor((width - x - 1) * next()),
      height: 1 + Math.floor((height - y - 1) * next()),
    };
    const interpolation = (["bilinear", "bicubic", "nearest"] as const)[trial % 3]!;
    const expected = resize(pixels, width, height, region, interpolation);
    const what = JSON.stringify({ trial, from: [pixels.width, pixels.height, pixels.channels], width, height, region });
    expect(isSame(fast(pixels, width, height, region, interpolation), expected), what).toBe(true);
  }
});

test("rows that do not fit the cache, very long and very narrow pictures", () => {
  for (const [width, height] of [
    [70_000, 3],
    [3, 70_000],
    [1500, 900],
    [1, 1],
  ] as const) {
    const pixels = noise(width, height, 3, 7);
    for (const interpolation of ["bilinear", "bicubic"] as const) {
      const region = { x: 0, y: 0, width: 40, height: 30 };
      const expected = resize(pixels, 40, 30, region, interpolation);
      expect(isSame(fast(pixels, 40, 30, region, interpolation), expected), `${width} x ${height}`).toBe(true);
    }
  }
});

test("more coefficients than a sum of parts of 16 bits alone could hold", () => {
  const stripes = { width: 20_000, height: 6, channels: 3 } as const;
  for (const phase of [0, 500, 1000, 1500]) {
    // White where bicubic coefficients are positive, or where they are negative: the largest sums, and the smallest.
    const data = Uint8Array.from({ length: 3 * 20_000 * 6 }, (_, at) =>
      Math.floor(at / 3 + phase) % 2000 < 1000 ? 255 : 0,
    );
    const region = { x: 0, y: 0, width: 20, height: 6 };
    const expected = resize({ ...stripes, data }, 20, 6, region, "bicubic");
    expect(isSame(fast({ ...stripes, data }, 20, 6, region, "bicubic"), expected), `${phase}`).toBe(true);
  }
});

test.each([
  ["bilinear", 500, 341, 3],
  ["bilinear", 4000, 341, 24],
  ["bilinear", 200, 400, 3],
  ["bicubic", 500, 341, 6],
  ["bicubic", 200, 400, 5],
] as const)("%s, %i to %i pixels: %i of them for one, as many as its window has", (interpolation, from, to, taps) => {
  const region = { x: 0, y: 0, width: to, height: 1 };
  const { across } = resizeTables({ width: from, height: 1 }, to, 1, region, interpolation);
  expect(across.taps).toBe(taps);
});
