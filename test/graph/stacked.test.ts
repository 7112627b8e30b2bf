import { expect, test } from "vitest";
import type { Network } from "../../src/graph/network.js";
import { COUNT, stackLast } from "../../src/graph/stacked.js";
import { pseudoRandomNetwork } from "../../src/model/pseudo-random.js";

const stacked = (name: string, inputSize = 224) => stackLast(pseudoRandomNetwork(name, { inputSize }));

test.each([
  ["resnet18", 3, "layer3 layer4", 28, 32],
  ["resnet50", 4, "layer4", 14, 16],
] as const)("%s: the last stages of few pixels, zero rows behind each picture", (name, from, title, height, period) => {
  const { graph, first, last, input, output, twins, separated } = stacked(name)!;
  expect([first, last]).toEqual([from, 4]);
  expect([input, output]).toEqual([
    { height, period },
    { height: 7, period: 8 },
  ]);
  const stage = graph.stages.at(-1)!;
  expect(stage.name).toBe(title);
  expect([graph.values[stage.input], graph.values[stage.output]]).toMatchObject([
    { height: period * COUNT, pictures: input },
    { height: 8 * COUNT, pictures: output },
  ]);
  const singles = graph.stages.slice(first, last + 1).flatMap(({ ops }) => ops);
  expect(stage.ops.map(({ name }) => name)).toEqual(singles.map(({ name }) => name));
  for (const [op, twin] of twins) if (op.kind === "conv") expect(op.weight).toBe((twin as typeof op).weight);
  // What a 3x3 convolution reads within the stage.
  const reading = new Set(stage.ops.flatMap((op) => (op.kind === "conv" && op.kernel[0] === 3 ? [op.inputs[0]] : [])));
  expect([...separated.keys()].map((op) => op.output)).toEqual([...reading].filter((value) => value !== stage.input));
});

test("none: pixels that are many, rows that are too far apart, groups, a stage that reads the image, none before the head", () => {
  expect(stacked("resnext50_32x4d")).toBeNull();
  expect(stacked("resnet50", 320)).toBeNull();
  expect(stacked("resnet18", 576)).toBeNull();
  // Eight rows would take twelve.
  expect(stacked("resnet18", 256)).toBeNull();
  const network = pseudoRandomNetwork("resnet18");
  const { stages } = network;
  expect(stackLast({ ...network, stages: stages.slice(4), input: stages[4]!.input } as Network)).toBeNull();
  expect(stackLast({ ...network, stages: stages.slice(5), input: stages[5]!.input } as Network)).toBeNull();
});

test("fewer stages, where rows of the first would be too far apart", () => {
  // 25 rows would take 32, which is over a quarter more; 13 take 16.
  const { first, input } = stacked("resnet18", 200)!;
  expect([first, input]).toEqual([4, { height: 13, period: 16 }]);
});

test("a convolution of one row that is padded: its input is separated, and its output has to fit", () => {
  const network = pseudoRandomNetwork("resnet18");
  const { ops } = network.stages[4]!;
  const last = ops.at(-1)!;
  const padded = (padding: readonly number[]) => {
    const op = { ...last, kernel: [1, 1], padding, inputs: [last.inputs[0]] };
    const values = network.values.map((it, value) =>
      value === last.output ? { ...it, height: 7 + padding[0]! + padding[2]! } : it,
    );
    const stage = { ...network.stages[4]!, ops: [...ops.slice(0, -1), op] };
    return stackLast({ ...network, values, stages: network.stages.with(4, stage as never) } as Network);
  };
  const inputIn = (padding: readonly number[]) => {
    const { separated, twins } = padded(padding)!;
    return [...separated.keys()].some((op) => twins.get(op)!.output === last.inputs[0]);
  };
  expect(inputIn([0, 0, 0, 0])).toBe(false);
  expect(inputIn([1, 0, 0, 0])).toBe(true);
  expect(inputIn([0, 0, 1, 0])).toBe(true);
  // Nine rows in eight.
  expect(padded([1, 0, 1, 0])).toBeNull();
});

test("none: operations that mix pictures", () => {
  const network = pseudoRandomNetwork("resnet18");
  const replaced = (change: object) => ({
    ...network,
    stages: network.stages.map((stage, index) =>
      index === 4 ? { ...stage, ops: stage.ops.map((op, at) => (at === 1 ? { ...op, ...change } : op)) } : stage,
    ),
  });
  const pool = {
    kind: "maxPool",
    kernel: [3, 3],
    stride: [1, 1],
    padding: [1, 1, 1, 1],
    inputs: [network.stages[4]!.ops[1]!.inputs[0]],
  };
  expect(stackLast(replaced({}) as Network)).not.toBeNull();
  // Its padding is below every value, and zeros are not.
  expect(stackLast(replaced(pool) as Network)).toBeNull();
  expect(stackLast(replaced({ kind: "blurPool", stride: 1 }) as Network)).toBeNull();
  expect(stackLast(replaced({ dilation: [4, 4], padding: [4, 4, 4, 4] }) as Network)).toBeNull();
});
