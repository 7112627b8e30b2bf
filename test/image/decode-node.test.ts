import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ImageDecodeError, ResnetEdgeError, SourceError } from "../../src/errors.js";
import { decodeBytes, decodeFile } from "../../src/image/decode-node.js";
import { toPixels } from "../../src/image/index.js";
import { generator } from "../random.js";

const folder = new URL("../fixtures/images/", import.meta.url);
const { decode } = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8"));
const path = (name: string) => new URL(name, folder).pathname;

test.each(Object.keys(decode))("%s as PIL decodes it, upright", async (name) => {
  const pixels = await decodeFile(path(name));
  const { width, height, rgb } = decode[name];
  expect([pixels.width, pixels.height, pixels.channels]).toEqual([width, height, 3]);
  const expected = Buffer.from(rgb, "base64");
  // Two builds of libjpeg may round a colour differently; lossless formats may not.
  const tolerance = /jpg|webp/.test(name) ? 2 : 0;
  let worst = 0;
  for (let at = 0; at < expected.length; at++) worst = Math.max(worst, Math.abs(pixels.data[at]! - expected[at]!));
  expect(worst).toBeLessThanOrEqual(tolerance);
});

/** A PNG of the given size whose one data chunk holds `body`. */
function png(width: number, height: number, body: Uint8Array): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => {
    const bytes = Buffer.alloc(12 + data.length);
    bytes.writeUInt32BE(data.length, 0);
    bytes.write(type, 4, "latin1");
    bytes.set(data, 8);
    bytes.writeUInt32BE(crc(bytes.subarray(4, 8 + data.length)), 8 + data.length);
    return bytes;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", body), chunk("IEND", new Uint8Array(0))]);
}

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}

describe("refused with a typed error that says what to do", () => {
  const text = (it: string) => new TextEncoder().encode(it);
  test.each<[string, Uint8Array, RegExp]>([
    ["an empty file", new Uint8Array(0), /empty/],
    ["a text file", text("hello"), /expected a JPEG/],
    ["an HTML page", text("<!doctype html><p>Not found"), /expected a JPEG/],
    ["a JPEG cut in half", readFileSync(new URL("exif-1.jpg", folder)).subarray(0, 300), /damaged or cut off/],
    ["a PNG cut in half", readFileSync(new URL("rgb.png", folder)).subarray(0, 200), /damaged or cut off/],
    ["a 20,000 x 20,000 PNG of a few bytes", png(20_000, 20_000, deflateSync(new Uint8Array(64))), /megapixels/],
    ["a 60,000 x 60,000 PNG", png(60_000, 60_000, deflateSync(new Uint8Array(64))), /megapixels/],
    ["a PNG without pixels", png(0, 5, deflateSync(new Uint8Array(64))), /no pixels/],
  ])("%s", async (_, bytes, message) => {
    const before = process.memoryUsage().rss;
    const failure = await decodeBytes(bytes, "x").catch((error) => error);
    expect(failure).toBeInstanceOf(ImageDecodeError);
    expect(failure.message).toMatch(message);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });

  test("a missing file, and a folder in a file's place", async () => {
    await expect(decodeFile("/nowhere/cat.jpg")).rejects.toThrow(SourceError);
    await expect(decodeFile("/nowhere/cat.jpg")).rejects.toThrow(/check the path/);
    await expect(decodeFile(path("."))).rejects.toThrow(SourceError);
  });

  test("raw pixels that do not fit their size", () => {
    const data = new Uint8Array(12);
    for (const [width, height] of [
      [0, 4],
      [3, 2],
      [-2, -2],
      [1.5, 2],
      [Number.NaN, 1],
    ] as const) {
      expect(() => toPixels({ data, width, height })).toThrow(ImageDecodeError);
    }
    expect(() => toPixels({ data: Array.from(data), width: 2, height: 2 })).toThrow(ImageDecodeError);
  });
});

describe.each(["exif-6.jpg", "alpha.png", "lossless.webp", "animated.gif"])("%s", (name) => {
  test("150 mutations: decoded, or refused with a typed error", async () => {
    const original = readFileSync(new URL(name, folder));
    const random = generator(original.length);
    const below = (limit: number) => Math.floor(random() * limit);
    for (let round = 0; round < 150; round++) {
      let bytes = new Uint8Array(original);
      for (let writes = 1 + below(6); writes > 0; writes--) bytes[below(bytes.length)] = below(256);
      if (below(4) === 0) bytes = bytes.slice(0, below(bytes.length));
      const result = await decodeBytes(bytes, name).catch((error) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(ResnetEdgeError);
      else expect(result.data.length).toBe(3 * result.width * result.height);
    }
  });
});
