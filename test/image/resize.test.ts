import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeFile } from "../../src/image/decode-node.js";
import { cropped, preprocess, toPixels } from "../../src/image/index.js";

const { resize } = JSON.parse(readFileSync(new URL("../fixtures/images/expected.json", import.meta.url), "utf8"));
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));

function differences(got: ArrayLike<number>, expected: ArrayLike<number>): { largest: number; mean: number } {
  expect(got.length).toBe(expected.length);
  let largest = 0;
  let sum = 0;
  for (let at = 0; at < got.length; at++) {
    const difference = Math.abs(got[at]! - expected[at]!);
    largest = Math.max(largest, difference);
    sum += difference;
  }
  return { largest, mean: sum / got.length };
}

interface Case {
  readonly width: number;
  readonly height: number;
  readonly resize: number;
  readonly crop: number;
  readonly source: string;
  readonly results: Readonly<Record<"bilinear" | "bicubic" | "nearest", string>>;
}

describe.each(resize as Case[])(
  "$width x $height to $resize, crop $crop",
  ({ width, height, source, results, ...spec }) => {
    test.each(["bilinear", "bicubic", "nearest"] as const)("%s, to the bit as torchvision on PIL", (interpolation) => {
      const got = cropped(toPixels({ data: bytes(source), width, height }), { ...spec, interpolation });
      expect(differences(got, bytes(results[interpolation]))).toEqual({ largest: 0, mean: 0 });
    });
  },
);

const crops = JSON.parse(readFileSync(new URL("../fixtures/images/crops.json", import.meta.url), "utf8"));

test.each(crops as (Parameters<typeof cropped>[1] & Omit<Case, "results"> & { result: string })[])(
  "$mode: $width x $height to $resize, crop $crop, $interpolation, to the bit as timm on PIL",
  ({ width, height, source, result, ...spec }) => {
    const got = cropped(toPixels({ data: bytes(source), width, height }), spec);
    expect(differences(got, bytes(result))).toEqual({ largest: 0, mean: 0 });
  },
);

test("two stated sides without a mode stretch the image, as Resize((height, width)) does", () => {
  const { mode: _, width, height, source, ...spec } = crops.find(({ mode }: { mode: string }) => mode === "squash");
  const pixels = toPixels({ data: bytes(source), width, height });
  expect(cropped(pixels, spec)).toEqual(cropped(pixels, { ...spec, mode: "squash" }));
});

test("alpha is passed over, not blended", () => {
  const rgb = Uint8Array.from({ length: 3 * 25 }, (_, at) => (at * 37) & 255);
  const rgba = new Uint8Array(4 * 25);
  for (let at = 0; at < 25; at++) rgba.set([...rgb.subarray(3 * at, 3 * at + 3), at * 10], 4 * at);
  const spec = { resize: 4, crop: 4, interpolation: "bilinear" } as const;
  const size = { width: 5, height: 5 };
  expect(cropped(toPixels({ data: rgba, ...size }), spec)).toEqual(cropped(toPixels({ data: rgb, ...size }), spec));
});

test("normalisation gives planes", () => {
  const data = Uint8Array.of(255, 0, 51);
  const spec = { resize: 1, crop: 1, interpolation: "bilinear", mean: [0.5, 0.25, 0], std: [0.5, 0.5, 2] } as const;
  const [r, g, b] = preprocess(toPixels({ data, width: 1, height: 1 }), spec);
  expect(r).toBeCloseTo(1, 6);
  expect(g).toBeCloseTo(-0.5, 6);
  expect(b).toBeCloseTo(0.1, 6);
});

const data = new URL("../../../shared/data/imagenet/", import.meta.url);
const missing = existsSync(data) ? "" : " (skipped: no ../shared/data)";
if (missing) console.log(`the reference crops${missing}`);
describe.skipIf(missing)(`the reference crops${missing}`, () => {
  const names = missing ? [] : readdirSync(new URL("crops/", data));
  test.each(names)("%s: no value off by more than 1, mean below 0.1", async (name) => {
    const photograph = new URL(`images/${name.replace(/\.png$/, ".JPEG")}`, data);
    const reference = await decodeFile(new URL(`crops/${name}`, data).pathname);
    const spec = { resize: 256, crop: 224, interpolation: "bilinear" } as const;
    const { largest, mean } = differences(cropped(await decodeFile(photograph.pathname), spec), reference.data);
    expect(largest).toBeLessThanOrEqual(1);
    expect(mean).toBeLessThan(0.1);
  });
});
