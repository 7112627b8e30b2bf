import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import type { Answering, Wanted } from "../../src/cli/archive/answering.js";
import { classifyAll } from "../../src/cli/archive/pipeline.js";

/** A decoder whose crops consist of the numbers that pictures are called, as bytes. */
vi.mock("../../src/image/decode-node.js", async (original) => ({
  ...(await original<typeof import("../../src/image/decode-node.js")>()),
  cropFile: async (path: string, _: object, __: string, ___: null, memoryOf: (bytes: number) => Uint8Array) => ({
    rgb: memoryOf(3).fill(Number(path)),
    decodeMs: 1,
    cropMs: 1,
  }),
}));

/** Many more than are under way at a time. */
const COUNT = 100 + 10 * availableParallelism();
const images = Array.from({ length: COUNT }, (_, index) => ({ name: `${index}`, path: `${index}` }));

test("crops' memory is used again once their pictures are answered, and not before", async () => {
  const seen = new Set<ArrayBufferLike>();
  let [held, most] = [0, 0];
  const answering = {
    preprocess: { resize: 1, crop: 1, mean: [0, 0, 0], std: [1, 1, 1], interpolation: "bilinear" },
    ...{ isShare: true, doubts: [], width: 2, depth: 1, isStarving: true },
    async answer(rgb) {
      seen.add(rgb.buffer);
      most = Math.max(most, ++held);
      // As a worker, it reads the crop when its turn comes.
      await sleep(1);
      held--;
      return { predictions: [{ index: rgb[0]!, label: "", score: 1 }], inferenceMs: 1 };
    },
    finish() {},
    close: async () => {},
  } satisfies Answering;
  const found: number[] = [];
  for await (const { result } of classifyAll(images, answering, { load: {} } as Wanted)) {
    if ("error" in result) throw result.error;
    found.push(result.predictions[0]!.index);
  }
  expect(found).toEqual(images.map((_, index) => index % 256));
  expect(most).toBeGreaterThan(1);
  // Those that wait for an answer, and those that are being decoded.
  expect(seen.size).toBeLessThanOrEqual(most + availableParallelism());
  expect(seen.size).toBeLessThan(COUNT / 2);
});
