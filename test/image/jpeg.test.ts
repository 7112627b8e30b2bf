import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readHeader } from "../../src/image/header.js";
import { readJpeg } from "../../src/image/jpeg.js";
import { startOfFrame } from "../../src/image/start-of-frame.js";
import { root } from "../built.js";
import { decoy, leads } from "./bombs.js";

const cat = readFileSync(new URL("examples/photos/cat.jpg", root));

/** EXIF of one entry. */
const exif = (orientation: number) => {
  const tiff = Buffer.from("4d4d002a00000008000101120003000000010000000000000000", "hex");
  tiff[19] = orientation;
  return Buffer.concat([Buffer.from([0xff, 0xe1, 0, 8 + tiff.length]), Buffer.from("Exif\0\0"), tiff]);
};

test("a JPEG's sides and its orientation", () => {
  expect(readJpeg(cat)).toEqual({ width: 451, height: 300, orientation: 1 });
  const turned = Buffer.concat([cat.subarray(0, 2), exif(6), exif(3), cat.subarray(2)]);
  expect(readJpeg(turned)).toEqual({ width: 451, height: 300, orientation: 6 });
});

test("kinds that browsers are not trusted with, and what is cut off, are null", () => {
  const at = startOfFrame(new DataView(cat.buffer, cat.byteOffset, cat.length));
  const changed = (offset: number, value: number) => Buffer.from(cat).fill(value, at + offset, at + offset + 1);
  // Lossless, arithmetic; 12 bits; CMYK.
  for (const [offset, value] of [
    [1, 0xc3],
    [1, 0xc9],
    [4, 12],
    [9, 4],
  ] as const)
    expect(readJpeg(changed(offset, value))).toBeNull();
  for (let length = 0; length <= at + 10; length++) expect(readJpeg(cat.subarray(0, length))).toBeNull();
});

test.each(leads)("no frame is found where a decoder finds another: ff%s", (lead) => {
  expect(readJpeg(decoy(lead))).toBeNull();
  expect(() => readHeader(decoy(lead), "it")).toThrow(/20000 x 20000/);
});
