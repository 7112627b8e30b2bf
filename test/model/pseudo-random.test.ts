import { describe, expect, test } from "vitest";
import { OptionError } from "../../src/errors.js";
import type { ConvOp, Network } from "../../src/graph/network.js";
import { describeNetwork, pseudoRandomNetwork, wellKnownArchitecture, wellKnownNames } from "../../src/model/index.js";
import { torchvisionTen } from "./fixtures.js";
import { runReferenceStages } from "./reference.js";

const convolutions = (network: Network) =>
  network.stages.flatMap((stage) => stage.ops).filter((op): op is ConvOp => op.kind === "conv");

const rootMeanSquare = (values: Float64Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

function noise(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => 2 * Math.sin(12.9898 * i) * Math.cos(0.37 * i));
}

test.each(Object.entries(torchvisionTen))("%s has torchvision's parameters", (name, { parameters }) => {
  expect(pseudoRandomNetwork(name, { inputSize: 32 }).parameters).toBe(parameters);
});

// He et al. 2015, table 6: 0.27, 0.46, 0.66, 0.85 and 1.7 million.
test.each([
  ["resnet20-cifar", 0.27],
  ["resnet32-cifar", 0.46],
  ["resnet44-cifar", 0.66],
  ["resnet56-cifar", 0.85],
  ["resnet110-cifar", 1.7],
])("%s has %f million parameters", (name, millions) => {
  const network = pseudoRandomNetwork(name);
  expect(network.parameters / 1e6).toBeCloseTo(millions, millions > 1 ? 1 : 2);
  expect(network.values[network.input]!.height).toBe(32);
});

// Billions, as torchvision's documentation of its weights has them ("GFLOPS", which counts a multiply-accumulate as one).
test.each([
  ["resnet18", 1.81],
  ["resnet34", 3.66],
  ["resnet50", 4.09],
  ["resnet101", 7.8],
  ["resnet152", 11.51],
  ["resnext50_32x4d", 4.23],
  ["resnext101_32x8d", 16.41],
  ["resnext101_64x4d", 15.46],
  ["wide_resnet50_2", 11.4],
  ["wide_resnet101_2", 22.75],
])("%s takes %f billion multiply-accumulates", (name, billions) => {
  expect(describeNetwork(pseudoRandomNetwork(name)).macs / 1e9).toBeCloseTo(billions, 2);
});

test.each([
  ["resnet18", 32],
  ["resnet152", 8],
  ["resnext50_32x4d", 16],
  ["resnet110-cifar", 8],
])("activations of %s keep their size to the end", (name, inputSize) => {
  const network = pseudoRandomNetwork(name, { inputSize });
  for (const values of runReferenceStages(network, noise(3 * inputSize ** 2))) {
    expect(rootMeanSquare(values)).toBeGreaterThan(0.2);
    expect(rootMeanSquare(values)).toBeLessThan(10);
  }
});

test("the same seed gives the same network, another seed another", () => {
  const logits = (seed?: number) =>
    runReferenceStages(pseudoRandomNetwork("resnet20", { inputSize: 8, seed }), noise(192)).at(-1)!;
  expect(logits()).toEqual(logits());
  expect(logits(2)).not.toEqual(logits());
});

test("weights read in parts are those read as a whole, and no two rows are alike", () => {
  const { weight } = convolutions(pseudoRandomNetwork("resnet18"))[1]!;
  const row = 64 * 9;
  const whole = new Float32Array(64 * row);
  weight.read(0, 64, whole);
  const part = new Float32Array(3 * row);
  weight.read(61, 64, part);
  expect(part).toEqual(whole.subarray(61 * row));
  const rows = Array.from({ length: 64 }, (_, i) => whole.subarray(i * row, (i + 1) * row).join());
  expect(new Set(rows).size).toBe(64);
});

test("weights take no memory until they are read", () => {
  const before = process.memoryUsage().arrayBuffers;
  const networks = wellKnownNames.map((name) => pseudoRandomNetwork(name));
  const weights = 4 * networks.reduce((sum, network) => sum + network.parameters, 0);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(weights / 50);
});

describe("names", () => {
  test.each([
    ["ResNet-50", "resnet50"],
    ["resnet50.a1_in1k", "resnet50"],
    ["resnet20", "resnet20-cifar"],
    ["wide_resnet50_2", "wide_resnet50_2"],
  ])("%s is %s", (given, name) => {
    expect(wellKnownArchitecture(given).name).toBe(name);
  });

  test.each(["", "vgg16", "resnet19", "__proto__", "constructor"])("%j is refused", (name) => {
    expect(() => pseudoRandomNetwork(name)).toThrow(OptionError);
  });

  test.each([{ classes: -1 }, { classes: 1.5 }, { classes: 2 ** 40 }, { inputSize: 0 }, { inputSize: Number.NaN }])(
    "%o is refused",
    (options) => {
      expect(() => pseudoRandomNetwork("resnet18", options)).toThrow(OptionError);
    },
  );
});
