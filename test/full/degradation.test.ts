import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { data } from "../acceptance/data.js";
import { library } from "../built.js";

const folder = process.env.DEGRADATION;
const skip = folder ? "" : " (skipped: DEGRADATION is not the folder that scripts/train-degradation.py wrote)";

const RECORD = 3073;
const COUNT = 1000;

// As many wrong answers as PyTorch counted.
describe.skipIf(skip !== "")(`plain and residual networks run${skip}`, () => {
  const { networks } = folder ? JSON.parse(readFileSync(join(folder, "curves.json"), "utf8")) : { networks: {} };

  test.each(["plain-20", "residual-20", "plain-56", "residual-56"])("%s", { timeout: 120_000 }, async (name) => {
    const records = readFileSync(new URL("cifar10/test-1000.bin", data));
    const classifier = await library.loadClassifier(join(folder!, `${name}.safetensors`), {
      device: "cpu",
      threads: 1,
    });
    let wrong = 0;
    for (let index = 0; index < COUNT; index++) {
      const record = records.subarray(RECORD * index, RECORD * (index + 1));
      const pixels = new Uint8Array(3072);
      for (let at = 0; at < 1024; at++) {
        for (let channel = 0; channel < 3; channel++) pixels[3 * at + channel] = record[1 + 1024 * channel + at]!;
      }
      const [best] = await classifier.classify({ data: pixels, width: 32, height: 32 });
      if (best!.index !== record[0]) wrong++;
    }
    await classifier.close();
    // Two pictures may lie on a border between classes.
    expect(Math.abs(wrong - COUNT * networks[name].final.test)).toBeLessThanOrEqual(2);
  });
});
