import { expect, test } from "vitest";
import { fuse } from "../../src/graph/fuse.js";
import type { Network, Op, Quantization, Weight } from "../../src/graph/network.js";
import { conv, vectorOf, weightOf } from "../cpu/one-operation.js";

const shape = { height: 3, width: 3, channels: 4 };

function networkOf(ops: readonly Op[]): Network {
  const output = ops.at(-1)!.output;
  return {
    architecture: { name: "ops" } as Network["architecture"],
    values: Array.from({ length: output + 1 }, () => shape),
    stages: [{ name: "all", input: 0, output, ops }],
    input: 0,
    output,
    parameters: 0,
    batchNorms: { folded: 0, kept: ops.filter(({ kind }) => kind === "batchNorm").length },
  };
}

const statistics = { mean: vectorOf(4), deviation: vectorOf(4) };
const batchNorm = (input: number, output: number): Op => ({
  kind: "batchNorm",
  name: "bn",
  inputs: [input],
  output,
  scale: vectorOf(4),
  shift: vectorOf(4),
  relu: false,
  statistics,
});
const base = (input: number, output: number) => ({ name: "op", inputs: [input], output }) as const;

test("a BatchNorm's statistics stay with the convolution that it is folded into, through sum and ReLU", () => {
  const ops: Op[] = [
    conv({ inputs: [0], output: 1, weight: weightOf([4, 4, 1, 1]) }),
    conv({ inputs: [1], output: 2, weight: weightOf([4, 4, 1, 1]) }),
    batchNorm(2, 3),
    { ...base(3, 4), inputs: [3, 1], kind: "add", relu: false },
    { ...base(4, 5), kind: "relu" },
  ];
  const [, fused, ...rest] = fuse(networkOf(ops), true).stages[0]!.ops;
  expect(rest).toEqual([]);
  expect(fused).toMatchObject({ kind: "conv", relu: true, inputs: [1, 1], statistics });
  const kept = fuse(networkOf(ops), false).stages[0]!.ops;
  expect(kept.map((op) => "statistics" in op && op.statistics)).toEqual([false, false, statistics, false, false]);
});

test("a linear layer takes the BatchNorm and the ReLU that follow it", () => {
  const linear = (input: number, output: number): Op => ({
    ...base(input, output),
    kind: "linear",
    weight: weightOf([4, 4]),
    bias: vectorOf(4),
    relu: false,
  });
  const ops = [linear(0, 1), batchNorm(1, 2), { ...base(2, 3), kind: "relu" } as Op, linear(3, 4)];
  const fused = fuse(networkOf(ops), true).stages[0]!.ops;
  expect(fused.map(({ kind, ...op }) => [kind, "relu" in op && op.relu])).toEqual([
    ["linear", true],
    ["linear", false],
  ]);
});

test("a convolution that adds the image takes no second sum", () => {
  const ops: Op[] = [
    conv({ inputs: [0], output: 1, weight: weightOf([4, 4, 1, 1]) }),
    conv({ inputs: [1, 0], output: 2, weight: weightOf([4, 4, 1, 1]) }),
    { ...base(2, 3), inputs: [2, 1], kind: "add", relu: false },
  ];
  const fused = fuse(networkOf(ops), true).stages[0]!.ops;
  expect(fused.map(({ kind, inputs }) => [kind, ...inputs])).toEqual([
    ["conv", 0],
    ["conv", 1, 0],
    ["add", 2, 1],
  ]);
});

test("another activation is an operation of its own", () => {
  const ops: Op[] = [
    conv({ inputs: [0], output: 1, weight: weightOf([4, 4, 1, 1]) }),
    { ...base(1, 2), kind: "activation", function: "silu" },
  ];
  const network = fuse(networkOf(ops), true);
  expect(network.stages[0]!.ops.map(({ kind }) => kind)).toEqual(["conv", "activation"]);
  expect(network.stages[0]!.ops[1]!.inputs).toEqual([1]);
});

test("a value keeps its quantization, under whatever number; those between operations that are joined are gone", () => {
  const u7 = (scale: number): Quantization => ({ type: "u7", scale });
  const network = networkOf([
    conv({ inputs: [0], output: 1, weight: weightOf([4, 4, 1, 1]) }),
    { ...base(1, 2), kind: "relu" },
    conv({ inputs: [2], output: 3, weight: weightOf([4, 4, 1, 1]) }),
  ]);
  const values = [shape, ...[u7(0.5), u7(0.25), u7(0.125)].map((quantization) => ({ ...shape, quantization }))];
  const fused = fuse({ ...network, values }, true);
  expect(fused.values.map((it) => it.quantization?.scale)).toEqual([undefined, 0.25, 0.125]);
});

test("integer weights stay with their operation, but not where a BatchNorm is folded into them", () => {
  const integers = Int8Array.from({ length: 16 }, (_, at) => at - 8);
  const weight: Weight = {
    ...weightOf([4, 4, 1, 1]),
    int8: { scales: vectorOf(4), read: (begin, end, target) => target.set(integers.subarray(4 * begin, 4 * end)) },
  };
  const ops: Op[] = [
    conv({ inputs: [0], output: 1, weight }),
    { ...base(1, 2), kind: "relu" },
    conv({ inputs: [2], output: 3, weight }),
    batchNorm(3, 4),
  ];
  const [plain, folded] = fuse(networkOf(ops), true).stages[0]!.ops.map((op) => "weight" in op && op.weight);
  const read = new Int8Array(8);
  (plain as Weight).int8!.read(1, 3, read);
  expect([...read]).toEqual([...integers.subarray(4, 12)]);
  expect((plain as Weight).int8!.scales).toBe(weight.int8!.scales);
  expect((folded as Weight).int8).toBeUndefined();
});
