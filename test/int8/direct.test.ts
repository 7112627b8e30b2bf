import { describe, expect, test } from "vitest";
import { ConvField, Tile } from "../../assembly/shared/record.js";
import { directOf } from "../../src/cpu/int8/direct.js";
import type { Drafts } from "../../src/cpu/program/drafts.js";
import type { ConvOp, Quantization } from "../../src/graph/network.js";
import { wasm } from "../cpu/engine.js";
import { integersOf } from "./integers.js";
import { runRecord, setups } from "./run-record.js";

const u7: Quantization = { type: "u7", scale: 0.1 };

/** Of pictures of `side` pixels, the product of a convolution on an engine whose products of halves take `halving`. */
function tileOf(
  side: number,
  channels: number,
  halving: number,
  more: Partial<ConvOp> = {},
  { threads = 1, memory = "fast" } = {},
) {
  const op = { inputs: [0], output: 1, kernel: [1, 1], groups: 1, weight: { shape: [64, channels, 1, 1] }, ...more };
  const shape = (channels: number) => ({ height: side, width: side, channels, quantization: u7 });
  const drafts = {
    shape: (value: number) => shape(value ? 64 : channels),
    options: { threads, memory, integers: { tile: Tile.qs8_wide, halving } },
  };
  return directOf(drafts as unknown as Drafts, op as ConvOp);
}

describe("products of halves are taken", () => {
  test.each([
    ["where an eighth of the products is more than the sums", 14, 1024, 1, true],
    ["not of few channels", 14, 64, 1, false],
    ["not of few rows, which would be filled up", 3, 256, 1, false],
    ["not where the engine's products of sixteen bits take longer", 14, 1024, 1.12, false],
    ["never in a relaxed module", 56, 4096, Number.POSITIVE_INFINITY, false],
  ])("%s", (_, side, channels, halving, taken) => {
    for (const threads of [1, 2, 5]) {
      const { tile, words, time } = tileOf(side, channels, halving, {}, { threads });
      expect(tile).toBe(taken ? Tile.qs8_strassen : Tile.qs8_wide);
      if (!taken) expect(time).toBe(1);
      else expect([Number(words[ConvField.panelsPerPiece]) % 2, time > 0.8, time < 1]).toEqual([0, true, true]);
    }
  });

  test("not with memory: small, which has no room for their factors", () => {
    expect(tileOf(14, 1024, 1, {}, { memory: "small" }).tile).toBe(Tile.qs8_wide);
  });

  test("not in groups", () => {
    const weight = { shape: [64, 512, 1, 1] } as unknown as ConvOp["weight"];
    expect(tileOf(14, 1024, 0.5, { groups: 2, weight }).tile).toBe(Tile.qs8_wide);
  });
});

test("a layer whose summand would be too large to be rounded runs in float", async () => {
  const op: ConvOp = {
    ...{ kind: "conv", name: "sum", inputs: [1, 2], output: 3, kernel: [1, 1], stride: [1, 1] },
    ...{ padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1, relu: false },
    weight: integersOf([16, 16, 1, 1], new Int8Array(256).fill(1), new Float64Array(16).fill(0.01)),
    bias: null,
  };
  const shape = (scale: number) => ({
    height: 2,
    width: 2,
    channels: 16,
    quantization: { type: "s8", scale } as const,
  });
  const run = async (scale: number) =>
    runRecord(
      op,
      [{ height: 1, width: 1, channels: 1 }, { ...shape(0.1), quantization: u7 }, shape(scale), shape(0.1)],
      [new Int8Array(64).fill(1), new Int8Array(64).fill(-127)],
      setups.find(({ simd }) => simd === "baseline")!,
      await wasm("int8-baseline"),
    );
  expect((await run(1)).getInt8(0)).toBe(-127);
  await expect(run(1e4)).rejects.toThrow("sum was lowered to qs8_,qs8_,f32_,qs8_");
});
