import { describe, expect, test } from "vitest";
import { seenPart } from "../../examples/kiosk/seen.js";
import { defaultPreprocess } from "../../src/model/index.js";

describe("the part of a picture that the network sees", () => {
  const preprocess = defaultPreprocess(224, "7x7");

  test.each([
    // Resize(256) makes 341 x 256 of it, of which 224 x 224 in the middle are left.
    [400, 300, { width: 224 / (400 * (256 / 300)), height: 224 / 256 }],
    [300, 400, { width: 224 / 256, height: 224 / (400 * (256 / 300)) }],
    [224, 224, { width: 224 / 256, height: 224 / 256 }],
  ])("%d x %d", (width, height, expected) => {
    const part = seenPart(width, height, preprocess);
    expect(part.width).toBeCloseTo(expected.width, 10);
    expect(part.height).toBeCloseTo(expected.height, 10);
    expect(part.left).toBeCloseTo((1 - expected.width) / 2, 10);
    expect(part.top).toBeCloseTo((1 - expected.height) / 2, 10);
  });

  test("all of it where a picture is stretched, or lies within a border", () => {
    const all = { left: 0, top: 0, width: 1, height: 1 };
    expect(seenPart(400, 300, { ...preprocess, resize: [224, 224] })).toEqual(all);
    expect(seenPart(400, 300, { ...preprocess, mode: "border" })).toEqual(all);
  });
});
