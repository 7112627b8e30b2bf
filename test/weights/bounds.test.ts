import { expect, test } from "vitest";
import { align } from "../../src/cpu/program/arena.js";
import { ModelFormatError } from "../../src/errors.js";
import { modelCard } from "../../src/model/index.js";

test("addresses are exact beyond 2^31", () => {
  expect(align(2 ** 31 + 1)).toBe(2 ** 31 + 64);
  expect(align(2 ** 33)).toBe(2 ** 33);
  expect(align(0)).toBe(0);
});

test.each(["crop", "resize"])("a file may not ask for a %s of thousands of pixels", async (field) => {
  const card = (size: unknown) =>
    modelCard({ metadata: new Map([["resnet-edge", JSON.stringify({ preprocess: { [field]: size } })]]) }, []);
  expect((await card(512)).preprocess).toEqual({ [field]: 512 });
  for (const size of [5000, [64, 5000]]) {
    await expect((async () => card(size))()).rejects.toThrow(ModelFormatError);
    await expect((async () => card(size))()).rejects.toThrow(
      /pixels in a file; inputSize and preprocess may state more/,
    );
  }
});
