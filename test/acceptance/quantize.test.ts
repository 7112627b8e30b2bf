import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { preprocess } from "../../src/image/index.js";
import { buildNetwork, modelCard, preprocessFor } from "../../src/model/index.js";
import { onEngine } from "../../src/quantize/engine.js";
import { floatBytes, writeNetwork } from "../../src/quantize/file.js";
import { answers } from "../../src/quantize/measure.js";
import { quantizeNetwork } from "../../src/quantize/network.js";
import { readWeights } from "../../src/weights/index.js";
import { root } from "../built.js";
import { interleaved } from "../check/fixture.js";
import { wasm } from "../cpu/engine.js";
import { data, noData } from "./data.js";

const cpu = { wasm, threads: 1 };
const second = new URL("../models/cifar110-resnet20x2.safetensors", data);

describe.skipIf(noData)(`int8 on CIFAR-10's test pictures${noData}`, () => {
  const records = (name: string, count: number) => {
    const bytes = readFileSync(new URL(`cifar10/${name}`, data));
    return Array.from({ length: count }, (_, index) => bytes.subarray(3073 * index, 3073 * (index + 1)));
  };

  test.each<[string, URL]>([
    ["akamaster's ResNet-20", new URL("cifar10/akamaster-resnet20.th", data)],
    ["the bundled ResNet-20", new URL("models/cifar10-resnet20.safetensors", root)],
    ...(existsSync(second) ? [["the one of 110 classes", second] as [string, URL]] : []),
  ])(
    "%s: right within 5 of 1,000 of float, calibrated on 50 others, in 0.27 of the bytes",
    async (name, url) => {
      const loadTorch = () => import("../../src/weights/torch.js");
      const state = await readWeights(new Uint8Array(readFileSync(url)), name, { loadTorch });
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
});
