import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, noChromium, openPage } from "../browser/chromium.js";
import { type Site, serve } from "../browser/server.js";
import { chain, message, model, tensor } from "./write.js";

declare const resnetEdge: typeof import("../../src/entry/index.js");

const weights = Array.from({ length: 4 * 3 * 9 }, (_, index) => Math.sin(index));
const convolution = [tensor("w", [4, 3, 3, 3], weights), tensor("b", [4], [1, 2, 3, 4])];
const picture = { input: ["N", 3, 8, 8], output: ["N", 4], metadata: { labels: "['a', 'b', 'c', 'd']" } };
const middle = (kind: string) =>
  chain(["Conv", ["w", "b"], { pads: [1, 1, 1, 1] }], [kind], ["GlobalAveragePool"], ["Flatten"]);
const apart = message(
  ...[4, 3, 3, 3].map((extent) => [1, extent] as const),
  ...([
    [2, 1],
    [8, "w"],
    [14, 1],
    [13, message([1, "location"], [2, "weights.bin"])],
  ] as const),
);
const files = {
  "/models/plain.onnx": model({ ...picture, nodes: middle("Relu"), tensors: convolution }),
  "/models/other.onnx": model({ ...picture, nodes: middle("Tanh"), tensors: convolution }),
  "/models/apart.onnx": model({ ...picture, nodes: middle("Relu"), tensors: [apart, convolution[1]!] }),
  "/models/weights.bin": new Uint8Array(Float32Array.from(weights).buffer),
};

/** By plain loops: 3x3 around each pixel, the activation, and the mean of all. */
function expected(input: readonly number[], activation: (x: number) => number): number[] {
  return [1, 2, 3, 4].map((bias, out) => {
    let sum = 0;
    for (let at = 0; at < 64; at++) {
      let value = bias;
      for (let tap = 0; tap < 27; tap++) {
        const [channel, y, x] = [
          Math.floor(tap / 9),
          (at >> 3) + (Math.floor(tap / 3) % 3) - 1,
          (at & 7) + (tap % 3) - 1,
        ];
        if (y >= 0 && y < 8 && x >= 0 && x < 8) value += weights[out * 27 + tap]! * input[channel * 64 + y * 8 + x]!;
      }
      sum += activation(value);
    }
    return sum / 64;
  });
}

describe.skipIf(noChromium)(`ONNX models in Chromium${noChromium}`, () => {
  let browser: Browser;
  let site: Site;
  let page: Page;

  beforeAll(async () => {
    site = await serve({ isolated: false, files });
    browser = await launch();
    page = await openPage(browser, site);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  test.each([
    ["plain", "in place", false],
    ["plain", "in a worker", "auto"],
    ["other", "in place", false],
    ["other", "in a worker", "auto"],
    ["apart", "in a worker", "auto"],
  ] as const)(
    "%s.onnx %s",
    async (name, _, worker) => {
      const input = Array.from({ length: 192 }, (_, index) => Math.cos(index));
      const found = await page.evaluate(
        async ({ name, worker, input }) => {
          const loaded = await resnetEdge.loadModel(`/models/${name}.onnx`, { device: "cpu", worker });
          const { logits } = await loaded.run(Float32Array.from(input));
          const answer = { logits: [...logits], labels: loaded.labels };
          await loaded.close();
          return answer;
        },
        { name, worker, input },
      );
      expect(found.labels).toEqual(["a", "b", "c", "d"]);
      const wanted = expected(input, name === "other" ? Math.tanh : (x) => Math.max(0, x));
      for (const [at, logit] of found.logits.entries()) expect(logit).toBeCloseTo(wanted[at]!, 4);
    },
    60_000,
  );

  test("a Blob cannot reach tensors beside it, and says what to do", async () => {
    const message = await page.evaluate(async () => {
      const blob = await (await fetch("/models/apart.onnx")).blob();
      return resnetEdge.loadModel(blob, { device: "cpu" }).then(
        () => "",
        (error: Error) => `${error.name}: ${error.message}`,
      );
    });
    expect(message).toMatch(/^SourceError: .*Load the model by its URL or path, or export it into one file/);
  }, 60_000);
});
