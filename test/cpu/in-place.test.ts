import { describe, expect, test } from "vitest";
import { inPlace } from "../../src/cpu/program/in-place.js";
import type { ConvOp, Network, Op, ValueId, ValueShape } from "../../src/graph/network.js";
import { elementCount } from "../../src/graph/tensor.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { runOp } from "../model/reference.js";
import { generator } from "../random.js";
import { engineFor } from "./engine.js";

const random = generator(11);

function conv(inputs: ConvOp["inputs"], output: ValueId, channels: number, rest: Partial<ConvOp> = {}): ConvOp {
  const size = rest.kernel?.[0] ?? 1;
  const shape = [channels, channels, size, size];
  const all = Float32Array.from({ length: elementCount(shape) }, () => (random() - 0.5) / (size * Math.sqrt(channels)));
  const row = channels * size * size;
  return {
    kind: "conv",
    name: `conv ${output}`,
    inputs,
    output,
    kernel: [1, 1],
    stride: [1, 1],
    padding: [size >> 1, size >> 1, size >> 1, size >> 1],
    dilation: [1, 1],
    groups: 1,
    weight: { shape, read: (begin, end, target) => target.set(all.subarray(begin * row, end * row)) },
    bias: null,
    relu: true,
    ...rest,
  };
}

function networkOf(stages: readonly (readonly Op[])[], shape: ValueShape): Network {
  const outputs = stages.map((ops) => ops.at(-1)!.output);
  return {
    architecture: { name: "sums" } as Network["architecture"],
    values: Array.from({ length: Math.max(...outputs) + 1 }, () => shape),
    stages: stages.map((ops, index) => ({
      name: String(index),
      input: index ? outputs[index - 1]! : 0,
      output: outputs[index]!,
      ops,
    })),
    input: 0,
    output: outputs.at(-1)!,
    parameters: 0,
    batchNorms: { folded: 0, kept: 0 },
  };
}

describe("what is written over", () => {
  const shape = { height: 4, width: 4, channels: 8 };
  const found = (...stages: Op[][]) => [...inPlace(networkOf(stages, shape))];

  test("a summand that nothing reads later, along a chain of blocks", () => {
    const blocks = [conv([1], 2, 8), conv([2, 1], 3, 8), conv([3], 4, 8), conv([4, 3], 5, 8)];
    expect(found([conv([0], 1, 8)], blocks)).toEqual([
      [3, 1],
      [5, 3],
    ]);
  });

  test("not one that is read later, nor the convolution's own input, nor the caller's image", () => {
    const later = [conv([1], 2, 8), conv([2, 1], 3, 8), conv([3, 1], 4, 8)];
    expect(found([conv([0], 1, 8)], later)).toEqual([[4, 1]]);
    expect(found([conv([0], 1, 8), conv([1, 1], 2, 8)])).toEqual([]);
    expect(found([conv([0], 1, 8), conv([1, 0], 2, 8)])).toEqual([]);
  });

  test("what an activation reads, unless it is read again", () => {
    const silu = (input: ValueId, output: ValueId): Op => ({
      kind: "activation",
      function: "silu",
      name: "silu",
      inputs: [input],
      output,
    });
    expect(found([conv([0], 1, 8)], [conv([1], 2, 8), silu(2, 3), conv([3, 1], 4, 8), silu(4, 5)])).toEqual([
      [3, 2],
      [4, 1],
      [5, 4],
    ]);
    expect(found([conv([0], 1, 8)], [silu(1, 2), conv([2, 1], 3, 8)])).toEqual([[3, 1]]);
    expect(found([silu(0, 1)], [conv([1], 2, 8)])).toEqual([]);
  });

  test("every block of a ResNet-50", () => {
    const network = pseudoRandomNetwork("resnet50");
    const sums = network.stages.flatMap(({ ops }) => ops.filter((op) => op.kind === "conv" && op.inputs.length === 2));
    expect(sums).toHaveLength(16);
    expect(inPlace(network).size).toBe(16);
  });
});

// Each kernel that adds a residual, in its place, by one thread.
test.each([
  ["f32_conv", 24, 5, 3],
  ["f32_conv1x1_strassen", 128, 11, 1],
  ["f32_conv3x3s1_winograd4", 24, 19, 3],
  ["f32_conv3x3s1_winograd4_lean", 160, 7, 3],
  ["f32_conv3x3s1_winograd2", 24, 9, 3],
] as const)("%s adds to what it writes over", async (kernel, channels, side, size) => {
  const shape = { height: side, width: side, channels };
  const wide: Partial<ConvOp> = { kernel: [size, size] };
  const sums = [conv([1], 2, channels), conv([2, 1], 3, channels, wide)];
  const network = networkOf([[conv([0], 1, channels)], sums], shape);
  expect([...inPlace(network)]).toEqual([[3, 1]]);
  const convolution = kernel === "f32_conv" ? "direct" : kernel.endsWith("winograd2") ? "winograd2" : "auto";
  const engine = await engineFor(network, { convolution });
  const image = Float32Array.from({ length: channels * side * side }, () => random() - 0.5);
  expect(engine.profile(image, 1).at(-1)!.kernel).toBe(kernel);
  const values = new Map<ValueId, Float64Array>([[0, Float64Array.from(image)]]);
  for (const op of network.stages.flatMap(({ ops }) => ops)) {
    values.set(
      op.output,
      runOp(
        op,
        (id) => values.get(id)!,
        (id) => network.values[id]!,
      ),
    );
  }
  const expected = values.get(3)!;
  // The last stage's output is told as if it were classes: as many values as an image has.
  const answer = await engine.run(0, 1, image);
  const view = new Float32Array(answer.buffer, answer.byteOffset, expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let error = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let at = 0; at < side * side; at++) {
      const difference = Math.abs(view[at * channels + channel]! - expected[channel * side * side + at]!);
      error = Math.max(error, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    }
  }
  expect(error / largest).toBeLessThan(1e-5);
  await engine.close();
});
