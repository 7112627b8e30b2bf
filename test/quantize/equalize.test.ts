import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Network } from "../../src/graph/network.js";
import { buildNetwork } from "../../src/model/index.js";
import type { Calibration, ValueStatistics } from "../../src/quantize/calibrate.js";
import { Channels, equalized, factorsFor } from "../../src/quantize/equalize.js";
import { Histogram } from "../../src/quantize/histogram.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { root } from "../built.js";
import { runReference } from "../model/reference.js";
import { generator } from "../random.js";

function networkOf(name: string): Network {
  const bytes = readFileSync(new URL(`test/fixtures/networks/${name}.safetensors`, root));
  return buildNetwork(readSafetensors(new Uint8Array(bytes), name), { inputSize: 32 });
}

/** Statistics of every value but the image: greatest magnitudes as `maximum` says. */
function calibrationOf(network: Network, maximum: (value: number, channel: number) => number): Calibration {
  const values = new Map<number, ValueStatistics>();
  for (const [value, { channels }] of network.values.entries()) {
    if (value === network.input) continue;
    const maxima = Float64Array.from({ length: channels }, (_, channel) => maximum(value, channel));
    values.set(value, {
      histogram: new Histogram(),
      meanSquares: new Float64Array(channels),
      maxima,
      correlations: null,
    });
  }
  return { values, means: new Map(), logits: [] };
}

const names = [
  "basic",
  "bottleneck",
  "resnext",
  "resnet-d",
  "cifar-projection",
  "cifar-zero-pad",
  "cifar-zero-pad-end",
];

describe.each(names)("%s", (name) => {
  const network = networkOf(name);
  const channels = new Channels(network);

  test("equalised, it computes the same, in f64 and plain loops, and its weights are others", () => {
    const random = generator(7);
    const factors = factorsFor(
      network,
      channels,
      calibrationOf(network, () => 0.05 + random()),
      0.7,
    );
    const other = equalized(network, channels, factors);
    const input = Float32Array.from({ length: 3 * 32 * 32 }, () => 2 * random() - 1);
    const [expected, found] = [runReference(network, input), runReference(other, input)];
    const largest = Math.max(...expected.map(Math.abs));
    // Weights are rounded to f32 once more.
    for (const [index, value] of found.entries())
      expect(Math.abs(value - expected[index]!)).toBeLessThan(1e-5 * largest);
    expect(new Set(factors).size).toBeGreaterThan(20);
  });

  test("the image and the logits keep theirs; what is added, pooled or padded shares one", () => {
    for (const value of [network.input, network.output]) {
      for (let channel = 0; channel < network.values[value]!.channels; channel++)
        expect(channels.classOf(value, channel)).toBe(null);
    }
    let ties = 0;
    for (const op of network.stages.flatMap(({ ops }) => ops)) {
      const kept = op.kind === "conv" ? op.inputs[1] : op.kind === "linear" ? undefined : op.inputs[0];
      if (kept === undefined) continue;
      ties++;
      const before = op.kind === "zeroPadShortcut" ? op.before : 0;
      for (let channel = 0; channel < network.values[kept]!.channels; channel++)
        expect(channels.classOf(op.output, channel + before)).toBe(channels.classOf(kept, channel));
    }
    expect(ties).toBeGreaterThan(3);
  });
});

test("a channel's factor is its share of its value's greatest magnitude, to a power, and at least a sixteenth", () => {
  const network = networkOf("basic");
  const channels = new Channels(network);
  // The first convolution of a block: nothing shares its channels.
  const conv = network.stages.flatMap(({ ops }) => ops).find(({ name }) => name === "layer1.0.conv1")!;
  const maxima = [8, 2, 0.5, 0.001];
  const calibration = calibrationOf(network, (value, channel) => (value === conv.output ? maxima[channel % 4]! : 1));
  const factorsAt = (strength: number) => {
    const factors = factorsFor(network, channels, calibration, strength);
    return [0, 1, 2, 3].map((channel) => factors[channels.classOf(conv.output, channel)!]);
  };
  expect(factorsAt(1).map((it) => it!.toFixed(6))).toEqual([1, 1 / 4, 1 / 16, 1 / 16].map((it) => it.toFixed(6)));
  expect(factorsAt(0.5).map((it) => it!.toFixed(6))).toEqual([1, 1 / 2, 1 / 4, 1 / 4].map((it) => it.toFixed(6)));
  expect(factorsAt(0)).toEqual([1, 1, 1, 1]);
});

test("channels that are added to each other take the mean of their logarithms", () => {
  const network = networkOf("basic");
  const channels = new Channels(network);
  const ops = network.stages.flatMap(({ ops }) => ops);
  const sum = ops.find(({ name }) => name === "layer1.0.conv2")!;
  const shared = [...network.values.keys()].filter(
    (value) => value !== network.input && channels.classOf(value, 0) === channels.classOf(sum.output, 0),
  );
  expect(shared.length).toBeGreaterThan(2);
  const calibration = calibrationOf(network, (value, channel) => {
    if (!shared.includes(value) || channel > 0) return 1;
    return value === sum.output ? 1 / 16 : 1;
  });
  const factor = factorsFor(network, channels, calibration, 1)[channels.classOf(sum.output, 0)!];
  expect(factor).toBeCloseTo((1 / 16) ** (1 / shared.length), 6);
});
