import { readdirSync, readFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { Resizer } from "../../src/image/fast-resize.js";
import { OwnJpegs } from "../../src/image/own-jpeg.js";
import { rowsOfPlanes } from "../../src/image/planes.js";
import type { Region, Size } from "../../src/image/resize.js";
import { root } from "../built.js";
import { generator } from "../random.js";

// Decoded pixels are compared with libjpeg-turbo's, which sharp has, bit by bit.

const moduleOf = (name: string) => new WebAssembly.Module(readFileSync(new URL(`dist/${name}.wasm`, root)));
const jpegs = new OwnJpegs(moduleOf("jpeg"));
const resizer = new Resizer(moduleOf("pixels"));
const whole = ({ width, height }: Size) => ({ x: 0, y: 0, width, height });

/** RGB of a region; null for a picture that is left to others. */
function own(bytes: Uint8Array, regionOf: (size: Size) => Region = whole): Uint8ClampedArray | null {
  const planes = jpegs.planes(bytes, regionOf);
  if (!planes) return null;
  const { width, height } = planes.stored;
  return resizer.rows(rowsOfPlanes(planes), width, height, regionOf(planes.stored), "nearest");
}

/** As the command asks sharp for it; null where that is an error. */
async function theirs(bytes: Uint8Array, region?: Region): Promise<Buffer | null> {
  const image = sharp(bytes, { failOn: "error", ignoreIcc: true }).rotate().removeAlpha().toColourspace("srgb");
  const { x, y, ...sides } = region ?? { x: 0, y: 0 };
  const part = region ? image.extract({ left: x, top: y, ...(sides as Size) }) : image;
  return part
    .raw()
    .toBuffer()
    .catch(() => null);
}

const same = (a: Uint8ClampedArray | null, b: Buffer | null) =>
  a !== null && b !== null && Buffer.compare(Buffer.from(a), b) === 0;

const files = ["test/fixtures/jpeg/", "test/fixtures/images/", "examples/photos/"].flatMap((folder) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith(".jpg"))
    .map((name) => new URL(folder + name, root)),
);
const nameOf = (file: URL) => file.pathname.split("/").at(-1)!;
/** What is no plain JPEG in YCbCr, or is to be turned. */
const left = /^(cmyk|gray|progressive|rgb|plain-440|exif-[2-8])\.jpg$/;

describe("whole files", () => {
  for (const file of files) {
    test(nameOf(file), async () => {
      const bytes = new Uint8Array(readFileSync(file));
      if (left.test(nameOf(file))) expect(own(bytes)).toBeNull();
      else expect(same(own(bytes), await theirs(bytes))).toBe(true);
    });
  }
});

test("pictures of noise and of extremes, of every quality and many sizes", async () => {
  const next = generator(5);
  for (let trial = 0; trial < 90; trial++) {
    const [width, height] = [8 + Math.floor(120 * next()), 1 + Math.floor(120 * next())];
    const data = Buffer.from(
      Array.from({ length: 3 * width * height }, (_, at) =>
        trial % 3 === 0 ? 256 * next() : trial % 3 === 1 ? (next() < 0.5 ? 0 : 255) : (at * 7) / (1 + trial),
      ),
    );
    const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({
        quality: 1 + Math.floor(100 * next()),
        chromaSubsampling: trial % 2 ? "4:2:0" : "4:4:4",
        optimiseCoding: next() < 0.5,
      })
      .toBuffer();
    expect(same(own(bytes), await theirs(bytes)), `${trial}: ${width} x ${height}`).toBe(true);
  }
});

test("a part of a picture is that part of the whole one", async () => {
  const next = generator(6);
  for (const name of ["restarts-420", "restarts-422", "plain-444"]) {
    const bytes = new Uint8Array(readFileSync(new URL(`test/fixtures/jpeg/${name}.jpg`, root)));
    for (let trial = 0; trial < 40; trial++) {
      const [x, y] = [Math.floor(75 * next()), Math.floor(53 * next())];
      const [width, height] = [1 + Math.floor((75 - x) * next()), 1 + Math.floor((53 - y) * next())];
      const region = { x, y, width, height };
      const found = own(bytes, () => region);
      expect(same(found, await theirs(bytes, region)), `${name} ${JSON.stringify(region)}`).toBe(true);
    }
  }
});

test("damaged files: the pixels that libjpeg has, or none", async () => {
  const next = generator(7);
  let taken = 0;
  for (const name of ["restarts-420", "restarts-422", "plain-444"]) {
    const plain = new Uint8Array(readFileSync(new URL(`test/fixtures/jpeg/${name}.jpg`, root)));
    for (let trial = 0; trial < 150; trial++) {
      const bytes = plain.slice(0, trial % 5 === 0 ? Math.floor(plain.length * next()) : undefined);
      const places = trial % 5 === 0 ? 0 : 1 + Math.floor(3 * next());
      for (let place = 0; place < places; place++) bytes[Math.floor(bytes.length * next())] = Math.floor(256 * next());
      const found = own(bytes);
      if (!found) continue;
      taken++;
      expect(same(found, await theirs(bytes)), `${name}, ${trial}`).toBe(true);
    }
    // What is cut off is never taken for whole.
    for (let length = 0; length < plain.length; length++) expect(own(plain.subarray(0, length))).toBeNull();
  }
  expect(taken).toBeGreaterThan(50);
});
