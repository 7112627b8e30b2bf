import { expect, test } from "vitest";
import { executedMacs, shareOfRoof } from "../../src/bench/executed.js";
import { compile } from "../../src/cpu/lower/compile.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";

const shares = (convolution: "auto" | "direct" | "winograd2" | "winograd4" | "winograd4-lean") => {
  const program = compile(pseudoRandomNetwork("resnet18"), { memory: "fast", convolution, threads: 1 });
  const executed = executedMacs(program);
  return program.steps.map(({ name, macs }, index) => [name, macs ? executed[index]! / macs : 0] as const);
};
const shareIn = (all: ReturnType<typeof shares>, name: string) =>
  Math.max(...all.filter(([of]) => of === name).map(([, share]) => share));

// Lavin & Gray 2016: F(2x2,3x3) saves 2.25, F(4x4,3x3) 4 of the multiplications.
test.each([
  ["direct", 1],
  ["winograd2", 1 / 2.25],
  ["winograd4", 1 / 4],
  ["winograd4-lean", 1 / 4],
] as const)("%s: a 3x3 convolution's multiply-adds", (convolution, share) => {
  expect(shareIn(shares(convolution), "layer1.0.conv1")).toBeCloseTo(share, 12);
});

test("no kernel does more than the direct algorithm, and what has multiply-adds does some", () => {
  for (const [name, share] of shares("auto")) {
    expect(share, name).toBeLessThanOrEqual(1);
    expect(share, name).toBeGreaterThanOrEqual(0);
  }
});

test("a share of the roof is a share, or unknown", () => {
  expect(shareOfRoof(1e9, 40, 100)).toBeCloseTo(0.5, 12);
  expect(shareOfRoof(1e9, 20, 100)).toBe(1);
  // The roof was measured while the machine was slower.
  expect(shareOfRoof(1e9, 19, 100)).toBe(null);
  for (const [macs, ms, roof] of [
    [null, 1, 1],
    [1, 0, 1],
    [1, 1, 0],
    [1, 1, Number.NaN],
  ] as const) {
    expect(shareOfRoof(macs, ms, roof)).toBe(null);
  }
});
