import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeHost } from "../../src/host/node.js";
import { preprocess } from "../../src/image/index.js";
import { buildNetwork, modelCard, preprocessFor } from "../../src/model/index.js";
import { onEngine } from "../../src/quantize/engine.js";
import { floatBytes, writeNetwork } from "../../src/quantize/file.js";
import { answers } from "../../src/quantize/measure.js";
import { quantizeNetwork } from "../../src/quantize/network.js";
import { readWeights } from "../../src/weights/index.js";
import { library, root } from "../built.js";
import { interleaved } from "../check/fixture.js";
import { wasm } from "../cpu/engine.js";
import { data, noData } from "./data.js";

const cpu = { wasm, threads: 1 };
const bundled = new URL("models/cifar110-resnet20x2.int8.safetensors", root);
const second = new URL("../models/cifar110-resnet20x2.safetensors", data);

describe.skipIf(noData)(`int8 on CIFAR-10's test pictures${noData}`, () => {
  const records = (name: string, count: number) => {
    const bytes = readFileSync(new URL(`cifar10/${name}`, data));
    return Array.from({ length: count }, (_, index) => bytes.subarray(3073 * index, 3073 * (index + 1)));
  };

  /** The first; all of them with FULL=1: npm run test:full. */
  const models: [string, URL][] = [
    ["akamaster's ResNet-20", new URL("cifar10/akamaster-resnet20.th", data)],
    ["a ResNet-20 of ten classes", new URL("models/cifar10-resnet20.safetensors", root)],
    ...(existsSync(second) ? [["the one of 110 classes", second] as [string, URL]] : []),
  ];
  test.each(process.env.FULL ? models : models.slice(0, 1))(
    "%s: right within 5 of 1,000 of float, calibrated on 50 others, in 0.27 of the bytes",
    async (name, url) => {
      const state = await readWeights(new Uint8Array(readFileSync(url)), name, nodeHost);
      const card = modelCard(state);
      const network = buildNetwork(state, { card });
      const spec = preprocessFor(network, card);
      const prepared = (record: Uint8Array) => preprocess(interleaved(record.subarray(1)), spec);
      const calibration = records("train-10000.bin", 50).map(prepared);
      const pictures = records("test-1000.bin", 1000);
      const inputs = pictures.map(prepared);
      const made = await quantizeNetwork(network, calibration, { cpu });
      const right = (logits: readonly Float32Array[]) =>
        logits.filter((it, index) => it.indexOf(Math.max(...it)) === pictures[index]![0]).length;
      const float = right(await onEngine(network, cpu, (inside) => answers(inside, network, inputs)));
      const int8 = right(await onEngine(made.network, cpu, (inside) => answers(inside, made.network, inputs)));
      const share =
        writeNetwork(made.network, { labels: card.labels, preprocess: spec }, "f16").length / floatBytes(network);
      console.log(`${name}: ${int8} of 1,000 right, float ${float}; ${share.toFixed(3)} of the bytes`);
      expect(int8).toBeGreaterThanOrEqual(float - 5);
      expect(share).toBeLessThanOrEqual(0.27);
    },
    300_000,
  );

  test.each([
    ["in integers", {}, 27],
    ["in float", { precision: "f32" }, 33],
  ] as const)(
    "the bundled model, %s: right within 5 of 1,000 of what PyTorch has in f32; the same best class on ten of them but for ties, and noise in their logits bounded",
    async (_, options, least) => {
      const file = new URL("models/cifar110-resnet20x2-reference.json", root);
      const reference = JSON.parse(readFileSync(file, "utf8"));
      const pictures = records("test-1000.bin", 1000);
      const threads = { device: "cpu", threads: 1, worker: false } as const;
      const classifier = await library.loadClassifier(undefined, { ...threads, ...options });
      let right = 0;
      for (const record of pictures) {
        const [best] = await classifier.classify(interleaved(record.subarray(1)), { topK: 1 });
        if (best!.index === record[0]) right++;
      }
      await classifier.close();
      const model = await library.loadModel(bundled, { ...threads, ...options });
      let [noise, signal] = [0, 0];
      for (const [index, expected] of (reference.logits_of_first_image_of_each_class as number[][]).entries()) {
        const picture = preprocess(interleaved(pictures[100 * index]!.subarray(1)), model.preprocess);
        const { logits } = await model.run(picture);
        expect(logits).toHaveLength(110);
        const [first, second] = expected.toSorted((a, b) => b - a);
        // Rounding may turn what float itself all but ties.
        if (first! - second! > 0.5) expect(logits.indexOf(Math.max(...logits))).toBe(expected.indexOf(first!));
        for (const [at, logit] of logits.entries()) {
          noise += (logit - expected[at]!) ** 2;
          signal += expected[at]! ** 2;
        }
      }
      await model.close();
      const decibels = 10 * Math.log10(signal / noise);
      console.log(
        `the bundled model: ${right} of 1,000 right, float ${reference.correct_of_1000}; logits ${decibels.toFixed(1)} dB`,
      );
      expect(Math.abs(right - reference.correct_of_1000)).toBeLessThanOrEqual(5);
      expect(decibels).toBeGreaterThan(least);
    },
    120_000,
  );
});
