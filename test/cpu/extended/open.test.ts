import { expect, test } from "vitest";
import type { Op } from "../../../src/graph/network.js";
import { runReference } from "../../model/reference.js";
import { engineFor, modules, wasm } from "../engine.js";
import { networkOf, values } from "../one-operation.js";

const shape = { height: 4, width: 5, channels: 6 };
const image = { ...shape, channels: 3 };
const square: Op = { kind: "binary", name: "square", inputs: [1, 1], output: 2, function: "multiply" };

test.each(modules)("an engine asks for the extended module and answers with it, %s", async (simd) => {
  const network = networkOf(square, [image, shape, shape]);
  const asked: string[] = [];
  const engine = await engineFor(network, {
    simd,
    wasm(variant) {
      asked.push(variant);
      return wasm(variant);
    },
  });
  const x = values(60);
  const answer = await engine.run(0, 2, x);
  await engine.close();
  expect(new Set(asked)).toEqual(new Set([`extended-${simd}`]));
  const pixels = shape.height * shape.width;
  // Pixel by pixel, without padding.
  const expected = runReference(network, x);
  expect(answer).toHaveLength(expected.length);
  for (const [at, value] of answer.entries()) {
    const [pixel, channel] = [Math.floor(at / shape.channels), at % shape.channels];
    expect(Math.abs(value - expected[channel * pixels + pixel]!)).toBeLessThan(1e-6);
  }
});

test("a caller's own module without extended kernels is told by name", async () => {
  const network = networkOf(square, [image, shape, shape]);
  const opened = engineFor(network, { simd: "baseline", wasm: () => wasm("baseline") });
  await expect(opened).rejects.toThrow(
    expect.objectContaining({ name: "WasmError", message: expect.stringContaining("cpu-extended-baseline.wasm") }),
  );
});

test("integers beside an extended operation are refused", async () => {
  const rounded = { ...shape, quantization: { type: "s8", scale: 0.5 } as const };
  const opened = engineFor(networkOf(square, [image, shape, rounded]), { simd: "baseline" });
  await expect(opened).rejects.toThrow(expect.objectContaining({ name: "UnsupportedModelError" }));
});
