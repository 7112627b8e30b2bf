import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Pixels } from "../../src/image/index.js";
import type { LoadOptions } from "../../src/options.js";
import { library } from "../built.js";
import { pictures } from "./fixture.js";

const file = readFileSync(new URL("../fixtures/check/calibrated.safetensors", import.meta.url));
const half: [number, number, number] = [0.5, 0.5, 0.5];

async function doubtsOf(options: LoadOptions, shown: readonly Pixels[]) {
  const classifier = await library.loadClassifier(file, { ...options, threads: 1 });
  for (const picture of shown) await classifier.classify(picture as never);
  const { doubts } = classifier;
  await classifier.close();
  return doubts;
}

describe.each([false, "auto"] as const)("worker: %s", (worker) => {
  // One more than is needed: the first may be answered before what looks at it is here.
  const nine = pictures.slice(0, 9);

  test("none of the right reading, of few pictures, or of pictures that tell nothing", async () => {
    expect(await doubtsOf({ worker }, pictures)).toEqual([]);
    expect(await doubtsOf({ worker, architecture: { activation: "elu" } }, pictures.slice(0, 6))).toEqual([]);
    const gray = { data: new Uint8Array(3072).fill(120), width: 32, height: 32, channels: 3 as const };
    expect(await doubtsOf({ worker, architecture: { activation: "elu" } }, Array(12).fill(gray))).toEqual([]);
  });

  test("a wrong structure and a wrong normalisation are doubted", async () => {
    const structure = await doubtsOf({ worker, architecture: { activation: "elu" } }, nine);
    expect(structure).toHaveLength(1);
    expect(structure[0]).toMatch(/activation/);
    const normalisation = await doubtsOf({ worker, preprocess: { mean: [0, 0, 0], std: [1, 1, 1] } }, nine);
    expect(normalisation).toHaveLength(1);
    expect(normalisation[0]).toMatch(/mean 0, 0, 0/);
  });

  test("whoever states both is taken at his word", async () => {
    const options = { worker, architecture: { activation: "elu" }, preprocess: { mean: half, std: half } } as const;
    expect(await doubtsOf(options, nine)).toEqual([]);
  });
});
