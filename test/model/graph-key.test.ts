import { expect, test } from "vitest";
import { graphKey } from "../../src/graph/graph-key.js";
import type { Network, Op, Quantization, ValueShape } from "../../src/graph/network.js";
import { buildNetwork, pseudoRandomNetwork } from "../../src/model/index.js";
import { conv, networkOf, vectorOf, weightOf } from "../cpu/one-operation.js";
import { fixtureState } from "./fixtures.js";

const shape = { height: 8, width: 8, channels: 4 };
const base = { name: "op", inputs: [1], output: 2 } as const;
const keyOf = (op: Op) => graphKey(networkOf(op, [{ ...shape, channels: 3 }, shape, shape]));

test("graphs of equal shapes have keys of their own", () => {
  const weight = weightOf([4, 4, 3, 3]);
  const ops: Op[] = [
    conv({ weight, padding: [1, 1, 1, 1] }),
    conv({ weight, padding: [1, 1, 1, 1], relu: true }),
    conv({ weight, padding: [2, 2, 2, 2], dilation: [2, 2] }),
    conv({ weight, padding: [1, 1, 1, 1], inputs: [1, 1] }),
    conv({ weight, padding: [2, 1, 0, 1] }),
    conv({ weight, padding: [1, 2, 1, 0] }),
    conv({ weight, padding: [0, 0, 2, 2] }),
    conv({ weight, padding: [1, 1, 1, 1], bias: null }),
    conv({ weight: weightOf([4, 2, 3, 3]), groups: 2, padding: [1, 1, 1, 1] }),
    conv({ weight: weightOf([4, 4, 1, 1]) }),
    conv({ weight: weightOf([4, 4, 5, 5]), padding: [2, 2, 2, 2] }),
    { ...base, kind: "relu" },
    { ...base, kind: "add", inputs: [1, 1], relu: false },
    { ...base, kind: "add", inputs: [1, 1], relu: true },
    { ...base, kind: "softmax" },
    { ...base, kind: "l2Normalize", epsilon: 1e-12 },
    { ...base, kind: "l2Normalize", epsilon: 1e-6 },
    { ...base, kind: "zeroPadShortcut", stride: 1, before: 0 },
    { ...base, kind: "activation", function: "silu" },
    { ...base, kind: "activation", function: "gelu" },
    { ...base, kind: "activation", function: "leaky-relu", slope: 0.1 },
    { ...base, kind: "activation", function: "leaky-relu", slope: 0.2 },
    { ...base, kind: "maxPool", kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1] },
    { ...base, kind: "averagePool", kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1], countPadding: true },
    { ...base, kind: "averagePool", kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1], countPadding: false },
    { ...base, kind: "blurPool", stride: 1 },
    { ...base, kind: "batchNorm", scale: vectorOf(4), shift: vectorOf(4), relu: false },
  ];
  const keys = ops.map(keyOf);
  expect(new Set(keys).size).toBe(ops.length);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{9,16}$/);
});

test("what numbers are stored as is part of a key", () => {
  const weight = weightOf([4, 4, 3, 3]);
  const integers = { ...weight, int8: { scales: vectorOf(4), read() {} } };
  const quantized = (type: Quantization["type"], scale: number) => ({ ...shape, quantization: { type, scale } });
  const key = (op: Op, from: ValueShape, to: ValueShape) =>
    graphKey(networkOf(op, [{ ...shape, channels: 3 }, from, to]));
  const conv8 = conv({ weight: integers, padding: [1, 1, 1, 1] });
  const keys = [
    key(conv({ weight, padding: [1, 1, 1, 1] }), shape, shape),
    key(conv8, shape, shape),
    key(conv8, quantized("s8", 0.5), shape),
    key(conv8, quantized("u7", 0.5), shape),
    key(conv8, quantized("u7", 0.25), shape),
    key(conv8, quantized("u7", 0.5), quantized("u7", 0.5)),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test("weights, their names and their place in a file are left out", () => {
  const op = conv({ weight: weightOf([4, 4, 3, 3]), padding: [1, 1, 1, 1] });
  const other = conv({ weight: weightOf([4, 4, 3, 3]), padding: [1, 1, 1, 1], name: "layer1.0.conv1" });
  const arriving = { ...other, weight: { ...other.weight, needs: () => 7 }, bias: { ...other.bias!, needs: 7 } };
  expect(new Set([op, other, arriving].map(keyOf)).size).toBe(1);
});

test("a network's key does not depend on whether its statistics are kept, but on its fold, its size and its depth", () => {
  const build = (options: object) => buildNetwork(fixtureState("basic"), { inputSize: 32, ...options });
  const folded = build({});
  const without = (network: Network): Network => ({
    ...network,
    stages: network.stages.map((stage) => ({
      ...stage,
      ops: stage.ops.map((op) => ("statistics" in op ? { ...op, statistics: undefined } : op)),
    })),
  });
  expect(graphKey(without(folded))).toBe(graphKey(folded));
  const keys = [folded, build({ foldBatchNorm: false }), build({ inputSize: 64 })].map(graphKey);
  keys.push(...["resnet18", "resnet34", "resnet50"].map((name) => graphKey(pseudoRandomNetwork(name))));
  expect(new Set(keys).size).toBe(keys.length);
});
