import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Resizer } from "../../src/image/fast-resize.js";
import { turn } from "../../src/image/orientation.js";
import { rowsOfPlanes, storedPart, upright, withMargin } from "../../src/image/planes.js";
import { resize } from "../../src/image/resize.js";
import { root } from "../built.js";
import { generator } from "../random.js";

const resizer = new Resizer(new WebAssembly.Module(readFileSync(new URL("dist/pixels.wasm", root))));

const clip = (value: number) => Math.min(255, Math.max(0, value));

/** A plane of chroma at a pixel, as h2v2_fancy_upsample and h2v1_fancy_upsample of libjpeg's jdsample.c have it. */
function chromaAt(
  plane: Uint8Array,
  width: number,
  height: number,
  x: number,
  y: number,
  across: boolean,
  down: boolean,
) {
  if (!across) return plane[y * width + x]!;
  const line = (row: number) => Math.min(height - 1, Math.max(0, row));
  const column = (at: number) => Math.min(width - 1, Math.max(0, at));
  const [near, far] = down ? [line(y >> 1), line((y >> 1) + (y & 1 ? 1 : -1))] : [y, y];
  const sum = (at: number) =>
    down ? 3 * plane[near * width + column(at)]! + plane[far * width + column(at)]! : plane[near * width + column(at)]!;
  const [own, next] = [sum(x >> 1), sum((x >> 1) + (x & 1 ? 1 : -1))];
  if (down) return (3 * own + next + (x & 1 ? 7 : 8)) >> 4;
  return (3 * own + next + (x & 1 ? 2 : 1)) >> 2;
}

/** The tables of jdcolor.c's build_ycc_rgb_table. */
function toRgb(y: number, cb: number, cr: number): number[] {
  const fix = (factor: number) => Math.floor(factor * 65536 + 0.5);
  const [b, r] = [cb - 128, cr - 128];
  return [
    clip(y + ((fix(1.402) * r + 32768) >> 16)),
    clip(y + ((-fix(0.34414) * b - fix(0.71414) * r + 32768) >> 16)),
    clip(y + ((fix(1.772) * b + 32768) >> 16)),
  ];
}

test.each([
  ["4:2:0", true, true],
  ["4:2:2", true, false],
  ["4:4:4", false, false],
] as const)("parts of %s planes, turned any way, have the bytes of libjpeg's formulas", (_, across, down) => {
  const next = generator(down ? 3 : across ? 4 : 5);
  for (let trial = 0; trial < 64; trial++) {
    const stored = { width: 8 + Math.floor(60 * next()), height: 1 + Math.floor(40 * next()) };
    const { width, height } = stored;
    const chroma = { width: across ? Math.ceil(width / 2) : width, height: down ? Math.ceil(height / 2) : height };
    // Half of them at an end of their range.
    const plane = (count: number) => Uint8Array.from({ length: count }, () => clip(Math.floor(512 * next()) - 128));
    const [luma, cb, cr] = [width * height, ...Array(2).fill(chroma.width * chroma.height)].map(plane) as Uint8Array[];
    const data = new Uint8Array(3 * width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [b, r] = [cb!, cr!].map((it) => chromaAt(it, chroma.width, chroma.height, x, y, across, down));
        data.set(toRgb(luma![y * width + x]!, b!, r!), 3 * (y * width + x));
      }
    }
    const orientation = 1 + (trial % 8);
    const size = upright(stored, orientation);
    const pixels = { data, width, height, channels: 3 } as const;
    const turned = orientation > 1 ? turn(pixels, orientation) : pixels;
    // A window of the upright picture, the part of the planes that has it, and a resize within it.
    const [x, y] = [Math.floor(size.width * next()), Math.floor(size.height * next())];
    const seen = {
      ...{ x, y },
      width: 1 + Math.floor((size.width - x) * next()),
      height: 1 + Math.floor((size.height - y) * next()),
    };
    const part = withMargin(storedPart(seen, stored, orientation), stored);
    const copied = [luma!, cb!, cr!].map((it, index) => {
      const step = (on: boolean) => (index > 0 && on ? 2 : 1);
      const stride = index > 0 ? chroma.width : width;
      const [left, right] = [part.x / step(across), Math.ceil((part.x + part.width) / step(across))];
      const rows: number[][] = [];
      for (let row = part.y / step(down); row < (part.y + part.height) / step(down); row++)
        rows.push([...it.subarray(row * stride + left, row * stride + right)]);
      return { bytes: rows.flat(), stride: right - left };
    });
    const layout = copied.map(({ stride }, index) => ({
      offset: copied.slice(0, index).reduce((sum, { bytes }) => sum + bytes.length, 0),
      stride,
    }));
    const planes = {
      data: Uint8Array.from(copied.flatMap(({ bytes }) => bytes)),
      layout,
      across,
      down,
      stored,
      part,
      orientation,
    };
    const region = { x: seen.x, y: seen.y, width: seen.width, height: seen.height };
    const all = [size.width, size.height, region, "bilinear"] as const;
    const got = resizer.rows(rowsOfPlanes(planes), ...all)!;
    const expected = resize(turned, ...all);
    expect(
      Buffer.compare(Buffer.from(got), Buffer.from(expected)),
      JSON.stringify({ trial, stored, part, seen, orientation }),
    ).toBe(0);
  }
});
