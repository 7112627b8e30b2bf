import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { library } from "../built.js";
import { data, json, noData } from "./data.js";

interface Reference {
  readonly correct_of_1000: number;
  readonly mean: [number, number, number];
  readonly std: [number, number, number];
}

const references = Object.entries(json("cifar10/reference.json") as Record<string, Reference>);

describe.skipIf(noData)(`CIFAR-10 checkpoints as their authors published them${noData}`, () => {
  test.each(references)("%s: as many of 1,000 right as PyTorch", async (name, { mean, std, correct_of_1000 }) => {
    const images = readFileSync(new URL("cifar10/test-1000.bin", data));
    const classifier = await library.loadClassifier(new URL(`cifar10/${name}`, data), { preprocess: { mean, std } });
    let right = 0;
    for (let at = 0; at < images.length; at += 3073) {
      const pixels = new Uint8Array(3072);
      for (let index = 0; index < 3072; index++) pixels[3 * (index % 1024) + (index >> 10)] = images[at + 1 + index]!;
      const [best] = await classifier.classify({ data: pixels, width: 32, height: 32 }, { topK: 1 });
      if (best!.index === images[at]) right++;
    }
    await classifier.close();
    console.log(`${name}: ${right} of 1,000 right, PyTorch ${correct_of_1000}`);
    expect(Math.abs(right - correct_of_1000)).toBeLessThanOrEqual(1);
  });
});
