import { expect, test } from "vitest";
import { compileOptions, settle } from "../../../src/cpu/settle.js";
import { isExtended } from "../../../src/graph/extended-op.js";
import type { Graph, Op } from "../../../src/graph/network.js";
import { pseudoRandomNetwork } from "../../../src/model/index.js";

/** Every kind, and whether it is an extended one. */
const kinds: Readonly<Record<Op["kind"], boolean>> = {
  conv: false,
  linear: false,
  add: false,
  batchNorm: false,
  relu: false,
  activation: false,
  maxPool: false,
  averagePool: false,
  globalAveragePool: false,
  globalMaxPool: false,
  blurPool: false,
  zeroPadShortcut: false,
  l2Normalize: false,
  softmax: false,
  binary: true,
  concat: true,
  slice: true,
  pad: true,
  transpose: true,
  reshape: true,
  shuffleChannels: true,
  normalize: true,
  localResponse: true,
};

const graphOf = (fields: object): Graph =>
  ({ values: [], stages: [{ ops: [{ inputs: [0], output: 1, ...fields }] }] }) as unknown as Graph;
const conv = (groups: number, shape: readonly number[]) => ({ kind: "conv", groups, weight: { shape } });

test.each(Object.entries(kinds))("%s is an extended operation: %s", (kind, expected) => {
  expect(isExtended(graphOf({ ...conv(1, [8, 8, 1, 1]), kind, function: "silu" }))).toBe(expected);
});

test.each([
  [conv(8, [8, 1, 3, 3]), true],
  [conv(1, [1, 1, 3, 3]), false],
  [conv(4, [8, 2, 3, 3]), false],
  [{ kind: "activation", function: "elu" }, false],
  [{ kind: "activation", function: "elu", alpha: 0.5 }, true],
  [{ kind: "activation", function: "hard-swish" }, true],
  [{ kind: "softmax", logarithm: true }, true],
  [{ kind: "softmax", logarithm: false }, false],
  [{ kind: "maxPool", dilation: [2, 2] }, true],
])("%j needs an extended module: %s", (op, expected) => {
  expect(isExtended(graphOf(op))).toBe(expected);
});

test("plain networks keep the plain modules, and no lowering of their own", () => {
  for (const name of ["resnet18", "resnext50_32x4d"] as const) {
    expect(settle(pseudoRandomNetwork(name, { inputSize: 64 }), { wasm: () => Promise.reject() }).extended).toBe(false);
  }
  expect(compileOptions({}).lower).toBeUndefined();
});
