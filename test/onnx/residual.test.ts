import { expect, test, vi } from "vitest";
import { graphKey } from "../../src/graph/graph-key.js";
import type { Network } from "../../src/graph/network.js";
import type { StateDict } from "../../src/graph/tensor.js";
import { buildNetwork } from "../../src/model/index.js";
import { readOther } from "../../src/model/onnx/index.js";
import { fixtureState, networkFixtures } from "../model/fixtures.js";
import { runReference } from "../model/reference.js";
import { model, type NodeText, tensor } from "./write.js";

/** torchvision's residual network as an exporter without any optimizing writes it; `first`: which term of a sum is first. */
function exported({ tensors }: StateDict, side: number | string, first: "inner" | "shortcut"): Uint8Array {
  const nodes: NodeText[] = [];
  const emit = (
    kind: string,
    inputs: string[],
    attributes: NodeText["attributes"] = {},
    output = `v${nodes.length}`,
  ) => {
    nodes.push({ kind, inputs, outputs: [output], name: `/${output}/${kind}`, attributes });
    return output;
  };
  const convolution = (x: string, conv: string, norm: string, stride = 1) => {
    const { shape } = tensors.get(`${conv}.weight`)!;
    const [, , height, width] = shape as [number, number, number, number];
    const pads = Array(4).fill((height - 1) / 2);
    const convolved = emit("Conv", [x, `${conv}.weight`], {
      kernel_shape: [height, width],
      strides: [stride, stride],
      pads,
    });
    return emit("BatchNormalization", [
      convolved,
      ...["weight", "bias", "running_mean", "running_var"].map((it) => `${norm}.${it}`),
    ]);
  };
  let x = emit("Relu", [convolution("x", "conv1", "bn1", 2)]);
  x = emit("MaxPool", [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  for (let layer = 1; layer <= 4; layer++) {
    for (let block = 0; tensors.has(`layer${layer}.${block}.conv1.weight`); block++) {
      const name = `layer${layer}.${block}`;
      const stride = layer > 1 && block === 0 ? 2 : 1;
      const isBottleneck = tensors.has(`${name}.conv3.weight`);
      let inner = emit("Relu", [convolution(x, `${name}.conv1`, `${name}.bn1`, isBottleneck ? 1 : stride)]);
      inner = convolution(inner, `${name}.conv2`, `${name}.bn2`, isBottleneck ? stride : 1);
      if (isBottleneck) inner = convolution(emit("Relu", [inner]), `${name}.conv3`, `${name}.bn3`);
      const projected = tensors.has(`${name}.downsample.0.weight`);
      const shortcut = projected ? convolution(x, `${name}.downsample.0`, `${name}.downsample.1`, stride) : x;
      x = emit("Relu", [emit("Add", first === "inner" ? [inner, shortcut] : [shortcut, inner])]);
    }
  }
  x = emit("Flatten", [emit("GlobalAveragePool", [x])]);
  emit("Gemm", [x, "fc.weight", "fc.bias"], { transB: 1 }, "y");
  return model({
    nodes,
    input: ["N", 3, side, side],
    output: ["N", tensors.get("fc.bias")!.shape[0]!],
    tensors: [...tensors.values()]
      .filter(({ name }) => !name.endsWith("num_batches_tracked"))
      .map(({ name, shape, bytes, dtype }) => tensor(name, shape, bytes, dtype === "f16" ? 10 : 1)),
  });
}

// A page loads the reader's first part alone for these.
vi.mock("../../src/model/onnx/more/index.js", () => {
  throw new Error("loaded");
});

const plain = networkFixtures.filter(({ name }) => ["basic", "bottleneck", "wide"].includes(name));

test("there are networks to compare", () => {
  expect(plain.length).toBeGreaterThan(1);
});

test.each(plain.flatMap((it) => [[it.name, "inner", it] as const, [it.name, "shortcut", it] as const]))(
  "%s from ONNX, its sums with the %s first, is the very graph that its checkpoint makes",
  async (_, first, { name, size, input, logits }) => {
    const state = fixtureState(name);
    const file = await readOther(exported(state, "H", first), "the file", {});
    // Large enough that the last map is of several pixels.
    const checkpoint = buildNetwork(state, { inputSize: 96 });
    const network = file.build!({ inputSize: 96 }) as Network;
    const facts = ({ stages }: Network) =>
      stages.map((stage) => [stage.name, stage.ops.map(({ kind, inputs, output }) => [kind, inputs, output])]);
    expect(facts(network)).toEqual(facts(checkpoint));
    // Places, times and tunings are kept under this key.
    expect(graphKey(network)).toBe(graphKey(checkpoint));
    const answers = runReference(file.build!({ inputSize: size }) as Network, input);
    for (const [at, value] of answers.entries()) expect(value).toBeCloseTo(logits[at]!, 4);
  },
);
