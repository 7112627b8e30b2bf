import { expect, test } from "vitest";
import { calibrate } from "../../src/quantize/calibrate.js";
import { channelMeans, corrected, reliableMean } from "../../src/quantize/correct.js";
import { onEngine } from "../../src/quantize/engine.js";
import { layersOf, mapLayers } from "../../src/quantize/layers.js";
import { vectorOf } from "../../src/quantize/weights.js";
import { generator } from "../random.js";
import { cpu, float, inputs } from "./fixture.js";

test("means of channels, without their padding", () => {
  const random = generator(3);
  const values = Float32Array.from({ length: 7 * 8 }, () => random() - 0.5);
  const expected = [0, 1, 2, 3, 4].map((channel) => {
    let sum = 0;
    for (let pixel = 0; pixel < 7; pixel++) sum += values[8 * pixel + channel]!;
    return sum / 7;
  });
  for (const [channel, mean] of channelMeans(values, 5, 8).entries()) expect(mean).toBeCloseTo(expected[channel]!, 12);
  expect(channelMeans(values, 5, 8)).toHaveLength(5);
});

test("a mean is shrunk by the share of its square that may be chance", () => {
  const means = (...pictures: number[]) => reliableMean(pictures.map((it) => Float64Array.of(it)))[0];
  expect(means(2, 2, 2)).toBe(2);
  expect(means(1, -1)).toBe(0);
  // The variance of the mean is 1, a quarter of 2^2.
  expect(means(1, 3)).toBeCloseTo(1.5, 12);
  expect(means(0, 4)).toBe(0);
  expect(means(-9, 5)).toBe(-0);
  // One picture tells nothing of chance.
  expect(means(7)).toBe(0);
});

test("biases that were shifted are found again, layer by layer, though each shift reaches all layers behind it", async () => {
  const random = generator(4);
  const few = inputs.slice(0, 3);
  const { means } = await onEngine(float, cpu, (inside) => calibrate(inside, few));
  const shifted = mapLayers(float, (layer) => ({
    ...layer,
    bias: vectorOf(layer.bias!.read().map((bias) => bias + 0.4 * (random() - 0.5))),
  }));
  const mended = await onEngine(shifted, cpu, (inside) => corrected(inside, shifted, few, means));
  const others = layersOf(shifted);
  for (const [index, { bias }] of layersOf(mended).entries()) {
    const expected = layersOf(float)[index]!.bias!.read();
    for (const [channel, value] of bias!.read().entries())
      expect(Math.abs(value - expected[channel]!)).toBeLessThan(1e-4);
    const before = others[index]!.bias!.read();
    expect(Math.max(...before.map((value, channel) => Math.abs(value - expected[channel]!)))).toBeGreaterThan(0.05);
  }
}, 60_000);
