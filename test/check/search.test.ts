import { describe, expect, test } from "vitest";
import { confidence, distance } from "../../src/check/fit.js";
import { search } from "../../src/check/search.js";
import { judge } from "../../src/check/verdict.js";
import type { Architecture } from "../../src/graph/network.js";
import { defaultPreprocess } from "../../src/model/index.js";
import { asResidual } from "../../src/model/residual.js";
import { wasm } from "../cpu/engine.js";
import { calibrated, pictures } from "./fixture.js";

async function check(architecture: Partial<Architecture> = {}, preprocess = {}, shown = pictures) {
  const found = await search({
    build: (other) => asResidual(calibrated(other)),
    assumed: asResidual(calibrated(architecture)),
    preprocess: { ...defaultPreprocess(32, "3x3"), ...preprocess },
    pictures: shown,
    cpu: { wasm, threads: 1 },
  });
  return { ...judge(found, shown.length), best: found.readings[0]!, found };
}

test("the network as it was trained fits", async () => {
  const { answer, best, found } = await check();
  expect(answer).toBe("fits");
  expect(best).toBe(found.assumed);
}, 120_000);

describe("what it was not trained as does not fit, and the right reading is named first", () => {
  /** The first two; all of them with FULL=1: npm run test:full. */
  const misread: [Partial<Architecture>, object][] = [
    [{ activation: "silu" }, { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }],
    [{ activationAfterSum: false }, {}],
    [{ shortcut: "none" }, {}],
    [{ activation: "gelu" }, {}],
    [{}, { mean: [0, 0, 0], std: [1, 1, 1] }],
  ];
  test.each(misread.slice(0, process.env.FULL ? misread.length : 2))(
    "%j %j",
    async (architecture, preprocess) => {
      const { answer, best } = await check(architecture, preprocess);
      expect(answer).toBe("does not fit");
      const { activation = "relu", activationAfterSum = true, shortcut } = best.architecture;
      expect([activation, activationAfterSum, shortcut]).toEqual(["relu", true, "zero-pad-symmetric"]);
      expect(best.normalisation.mean).toEqual([0.485, 0.456, 0.406]);
    },
    120_000,
  );
});

test("a few pictures are a hint, no more", async () => {
  const { answer, reasons } = await check({ activation: "gelu" }, {}, pictures.slice(0, 3));
  expect(answer).toBe("cannot be told");
  expect(reasons.join(" ")).toMatch(/3 pictures are a hint/);
}, 120_000);

test("pictures as in training have a distance of 0, and constant channels are no number's end", () => {
  const layer = (mean: number, square: number) => ({
    ...{ name: "a", channels: 1 },
    means: [Float64Array.of(mean), Float64Array.of(-mean)],
    squares: [Float64Array.of(square), Float64Array.of(square)],
  });
  expect(distance([layer(0.5, 1)])).toBeCloseTo(0);
  expect(distance([layer(0, Math.E)])).toBeCloseTo(Math.sqrt(0.5));
  expect(distance([layer(0, 0)])).toBeCloseTo(4 / Math.SQRT2);
  expect(confidence([layer(0, 1)], [layer(0, 2)])).toBe(1);
});
