import { expect, test } from "vitest";
import type { Ranges } from "../../bench/peers/calibrate.js";
import { int8Scheme, int8Weights, int32Bias } from "../../bench/peers/int8.js";
import type { Weight } from "../../src/graph/network.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";

function scheme(min: number, max: number) {
  const network = pseudoRandomNetwork("resnet18");
  const ops = network.stages.flatMap((stage) => stage.ops);
  const ids = [network.input, ...ops.map(({ output }) => output)];
  const ranges: Ranges = { values: new Map(ids.map((id) => [id, { min, max }])), beforeSum: new Map() };
  return int8Scheme(network, ranges).of(network.input);
}

test("a range falls on 256 steps, and zero on one of them", () => {
  // By hand: 255 steps of 0.1.
  expect(scheme(0, 25.5)).toEqual({ scale: Math.fround(0.1), zeroPoint: -128 });
  expect(scheme(-12, 13.5)).toEqual({ scale: Math.fround(0.1), zeroPoint: -8 });
  expect(scheme(-25.5, -1)).toEqual({ scale: Math.fround(0.1), zeroPoint: 127 });
  expect(scheme(2, 25.5)).toEqual({ scale: Math.fround(0.1), zeroPoint: -128 });
});

test("each output channel has a scale of its own, and its largest weight is 127", () => {
  const rows = [
    [1, -2, 0.5],
    [0, 0, 0],
    [127, 63.4, -126.6],
  ];
  const weight: Weight = {
    shape: [3, 3],
    read: (begin, end, target) => target.set(rows.slice(begin, end).flat()),
  };
  const int8 = int8Weights(weight);
  expect([...int8.values]).toEqual([64, -127, 32, 0, 0, 0, 127, 63, -127]);
  expect([...int8.scales]).toEqual([Math.fround(2 / 127), 1, 1]);
});

test("a bias counts in units of the sums", () => {
  const int8 = { values: new Int8Array(2), scales: Float32Array.of(0.5, 0.25) };
  const bias = { length: 2, read: () => Float64Array.of(1, -1) };
  const { values, units } = int32Bias(bias, { scale: 0.5, zeroPoint: -128 }, int8);
  expect([...values]).toEqual([4, -8]);
  expect([...units]).toEqual([0.25, 0.125]);
  expect([...int32Bias(null, { scale: 0.5, zeroPoint: 0 }, int8).values]).toEqual([0, 0]);
});
