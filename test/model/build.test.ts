import { describe, expect, test } from "vitest";
import { ModelFormatError, OptionError, UnsupportedModelError } from "../../src/errors.js";
import type { Network } from "../../src/graph/network.js";
import type { StateDict } from "../../src/graph/tensor.js";
import { type BuildOptions, buildNetwork, describeNetwork, wellKnownArchitecture } from "../../src/model/index.js";
import { changed, fixtureState, floats, networkFixtures, torchvisionTen, uniformState } from "./fixtures.js";
import { runReference } from "./reference.js";

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(...Array.from(expected, Math.abs));
  const error = Math.max(...Array.from(expected, (value, i) => Math.abs(value - actual[i]!)));
  expect(error).toBeLessThanOrEqual(tolerance * largest);
}

const ops = (network: Network) => network.stages.flatMap((stage) => stage.ops);

describe("PyTorch's answers", () => {
  test.each(networkFixtures)("$name", ({ name, size, input, logits, features }) => {
    const state = fixtureState(name);
    const headless = name.includes("features");
    const network = buildNetwork(state, { inputSize: size });
    expect(network.architecture.classes).toBe(headless ? 0 : logits.length);
    expectClose(runReference(network, input), headless ? features : logits, 1e-6);

    const unfolded = buildNetwork(state, { inputSize: size, foldBatchNorm: false });
    expectClose(runReference(unfolded, input), headless ? features : logits, 1e-6);

    const bare = buildNetwork(state, { inputSize: size, includeTop: false });
    expectClose(runReference(bare, input), features, 1e-6);
  });

  // Each of these has the tensors of another network; only the metadata or the option tells them apart.
  test.each([
    ["bottleneck-stride-1x1", { strideIn: "1x1" }],
    ["cifar-zero-pad-end", { shortcut: "zero-pad-end" }],
    ["cifar-projection", { epsilon: 1e-3 }],
    ["hugging-face-bottleneck", { firstStageStride: 2 }],
  ] as const)("%s needs to be told of %o", (name, architecture) => {
    const { size, input, logits } = networkFixtures.find((fixture) => fixture.name === name)!;
    const silent = { ...fixtureState(name), metadata: new Map() };
    const told = runReference(buildNetwork(silent, { inputSize: size, architecture }), input);
    expectClose(told, logits, 1e-6);
    const untold = runReference(buildNetwork(silent, { inputSize: size }), input);
    expect(() => expectClose(untold, logits, 1e-4)).toThrow();
  });
});

describe("torchvision's ten", () => {
  test.each(Object.entries(torchvisionTen))(
    "%s is recognised from names and shapes",
    (name, { parameters, tensors }) => {
      const network = buildNetwork(uniformState(Object.entries(tensors)));
      expect(network.architecture).toEqual(wellKnownArchitecture(name));
      expect(network.parameters).toBe(parameters);
      expect(network.batchNorms).toEqual({
        folded: Object.keys(tensors).filter((tensor) => tensor.endsWith("running_var")).length,
        kept: 0,
      });
      expect(network.values[network.input]).toEqual({ height: 224, width: 224, channels: 3 });
      const { stages, parameters: total } = describeNetwork(network);
      expect(stages.map((stage) => stage.name)).toEqual(["stem", "layer1", "layer2", "layer3", "layer4", "head"]);
      expect(stages.map((stage) => stage.output.height)).toEqual([56, 56, 28, 14, 7, 1]);
      expect(stages.reduce((sum, stage) => sum + stage.parameters, 0)).toBe(total);
    },
  );

  test("the counts that torchvision documents", () => {
    expect(torchvisionTen.resnet18!.parameters).toBe(11_689_512);
    expect(torchvisionTen.resnet50!.parameters).toBe(25_557_032);
    expect(torchvisionTen.resnext50_32x4d!.parameters).toBe(25_028_904);
  });
});

describe("emission", () => {
  const state = fixtureState("bottleneck");

  test("a folded network is convolutions alone between the stem and the head", () => {
    const network = buildNetwork(state);
    for (const stage of network.stages.slice(1, -1))
      expect(new Set(stage.ops.map((op) => op.kind))).toEqual(new Set(["conv"]));
    expect(network.batchNorms).toEqual({ folded: 20, kept: 0 });
    const last = network.stages[1]!.ops.at(-1)!;
    expect(last).toMatchObject({ name: "layer1.0.conv3", relu: true });
    const projection = network.stages[1]!.ops.at(-2)!;
    expect(projection).toMatchObject({ name: "layer1.0.downsample.0", relu: false });
    expect(projection.inputs).toHaveLength(1);
    expect(last.inputs[1]).toBe(projection.output);
  });

  test("an unfolded network keeps every BatchNorm, and sums and their ReLUs apart", () => {
    const network = buildNetwork(state, { foldBatchNorm: false });
    const kinds = ops(network).map((op) => op.kind);
    expect(network.batchNorms).toEqual({ folded: 0, kept: 20 });
    expect(kinds.filter((kind) => kind === "batchNorm")).toHaveLength(20);
    expect(kinds.filter((kind) => kind === "add")).toHaveLength(5);
    expect(kinds.filter((kind) => kind === "relu")).toHaveLength(5);
    expect(ops(network).every((op) => op.kind !== "conv" || (!op.relu && op.inputs.length === 1))).toBe(true);
  });

  test.each([true, false])("only a stage's input and output cross its border (folded: %s)", (foldBatchNorm) => {
    const network = buildNetwork(state, { foldBatchNorm });
    const made = new Set<number>();
    let crossing = network.input;
    for (const stage of network.stages) {
      expect(stage.input).toBe(crossing);
      const known = new Set([stage.input]);
      for (const op of stage.ops) {
        for (const value of op.inputs) expect(known).toContain(value);
        expect(made).not.toContain(op.output);
        known.add(op.output);
        made.add(op.output);
      }
      expect(known).toContain(stage.output);
      crossing = stage.output;
    }
    expect(crossing).toBe(network.output);
    expect([...made].sort((a, b) => a - b)).toEqual(Array.from({ length: network.values.length - 1 }, (_, i) => i + 1));
  });

  test.each([1, 2, 3, 31, 65])("an input of %i pixels", (inputSize) => {
    const network = buildNetwork(state, { inputSize });
    for (const { height, width, channels } of network.values)
      expect(Math.min(height, width, channels)).toBeGreaterThan(0);
    const input = Float32Array.from({ length: 3 * inputSize ** 2 }, (_, i) => Math.sin(i));
    const folded = runReference(network, input);
    expectClose(runReference(buildNetwork(state, { inputSize, foldBatchNorm: false }), input), folded, 1e-5);
  });

  test("a folded weight can be read in parts", () => {
    const convolution = ops(buildNetwork(state)).find((op) => op.name === "layer3.0.conv2")!;
    if (convolution.kind !== "conv") throw new Error("not a convolution");
    const { shape, read } = convolution.weight;
    const row = shape[1]! * shape[2]! * shape[3]!;
    const whole = new Float32Array(shape[0]! * row);
    read(0, shape[0]!, whole);
    const part = new Float32Array(2 * row + 1).fill(7);
    read(3, 5, part);
    expect([...part]).toEqual([...whole.subarray(3 * row, 5 * row), 7]);
  });

  test("a stated name fixes the structure and leaves classes and shortcuts to the file", () => {
    const tensors = Object.entries(torchvisionTen.resnet18!.tensors);
    expect(buildNetwork(uniformState(tensors), { architecture: "resnet18" }).architecture.name).toBe("resnet18");
    expect(() => buildNetwork(uniformState(tensors), { architecture: "resnet34" })).toThrow(
      /no layer1\.2\.conv1\.weight/,
    );
  });
});

describe("what does not fit is refused", () => {
  const basic = fixtureState("basic");
  const refusals: [string, StateDict, BuildOptions, new () => Error, RegExp][] = [
    ["an empty file", changed({ ...basic, tensors: new Map() }, {}), {}, UnsupportedModelError, /no tensors/],
    [
      "another family",
      uniformState([["features.0.weight", [64, 3, 11, 11]]]),
      {},
      UnsupportedModelError,
      /features\.0\.weight/,
    ],
    [
      "a missing convolution",
      changed(basic, { "layer2.0.conv2.weight": null }),
      {},
      UnsupportedModelError,
      /layer2\.0\.conv2/,
    ],
    [
      "a missing statistic",
      changed(basic, { "bn1.running_var": null }),
      {},
      UnsupportedModelError,
      /no bn1\.running_var.*\[8\]/,
    ],
    [
      "a BatchNorm without affine pair",
      changed(basic, { "layer1.0.bn1.weight": null, "layer1.0.bn1.bias": null }),
      {},
      UnsupportedModelError,
      /no layer1\.0\.bn1\.weight/,
    ],
    [
      "a missing projection",
      changed(basic, { "layer3.0.downsample.0.weight": null }),
      {},
      UnsupportedModelError,
      /layer3\.0\.downsample/,
    ],
    [
      "a wrong shape",
      changed(basic, { "layer1.1.conv1.weight": { shape: [8, 4, 3, 3] } }),
      {},
      UnsupportedModelError,
      /layer1\.1\.conv1\.weight has shape \[8,4,3,3\]; expected \[8,8,3,3\]/,
    ],
    [
      "a grayscale stem",
      changed(basic, { "conv1.weight": { shape: [8, 1, 7, 7] } }),
      {},
      UnsupportedModelError,
      /conv1\.weight.*\[8,3,7,7\]/,
    ],
    [
      "a 5x5 stem",
      changed(basic, { "conv1.weight": { shape: [8, 3, 5, 5] } }),
      {},
      UnsupportedModelError,
      /7x7 or 3x3/,
    ],
    [
      "an empty stem",
      changed(basic, { "conv1.weight": { shape: [0, 3, 7, 7] } }),
      {},
      UnsupportedModelError,
      /conv1\.weight/,
    ],
    [
      "a 3x3 where a bottleneck has a 1x1",
      changed(fixtureState("bottleneck"), { "layer1.0.conv1.weight": { shape: [4, 8, 3, 3] } }),
      {},
      UnsupportedModelError,
      /\[4,8,1,1\]/,
    ],
    [
      "a left-over tensor",
      changed(basic, { "layer1.0.se.fc1.weight": { shape: [2, 8, 1, 1] } }),
      {},
      UnsupportedModelError,
      /no place for layer1\.0\.se\.fc1\.weight of shape \[2,8,1,1\]/,
    ],
    [
      "a left-over block",
      changed(basic, { "layer1.7.conv1.weight": { shape: [8, 8, 3, 3] } }),
      {},
      UnsupportedModelError,
      /layer1\.7/,
    ],
    [
      "two classifiers",
      changed(basic, { "head.weight": { shape: [7, 16] } }),
      {},
      UnsupportedModelError,
      /several heads: fc \(.*head \(.*headPrefix/,
    ],
    [
      "a classifier of other features",
      changed(basic, { "fc.weight": { shape: [7, 64] } }),
      {},
      UnsupportedModelError,
      /fc\.weight has shape \[7,64\]; expected \[7,16\]/,
    ],
    ["quantised weights", changed(basic, { "conv1.weight": { dtype: "i8" } }), {}, UnsupportedModelError, /i8/],
    [
      "a negative variance",
      changed(basic, { "bn1.running_var": floats(1, 1, -0.5, 1, 1, 1, 1, 1) }),
      {},
      ModelFormatError,
      /bn1\.running_var\[2\] is -0\.5/,
    ],
    [
      "a mean that is not a number",
      changed(basic, { "bn1.running_mean": floats(1, NaN, 0, 1, 1, 1, 1, 1) }),
      {},
      ModelFormatError,
      /bn1\.running_mean\[1\] is NaN/,
    ],
    [
      "an infinite scale",
      changed(basic, { "bn1.weight": floats(Infinity, 1, 0, 1, 1, 1, 1, 1) }),
      {},
      ModelFormatError,
      /bn1\.weight\[0\] is Infinity/,
    ],
    [
      "a classifier asked of features",
      fixtureState("features"),
      { includeTop: true },
      UnsupportedModelError,
      /includeTop/,
    ],
    [
      "[3, 4, 5, 6] for 50 layers",
      uniformState(Object.entries(torchvisionTen.resnet50!.tensors)),
      { architecture: { layers: [3, 4, 5, 6] } },
      UnsupportedModelError,
      /layer4\.3/,
    ],
    ["an input without pixels", basic, { inputSize: 0 }, OptionError, /inputSize is 0/],
    ["half a pixel", basic, { inputSize: 32.5 }, OptionError, /32\.5/],
    ["an unknown name", basic, { architecture: "vgg16" }, OptionError, /vgg16.*resnet18/],
    ["an impossible override", basic, { architecture: { groups: -1 } }, OptionError, /groups = -1/],
    [
      "groups that do not divide",
      fixtureState("resnext"),
      { architecture: { groups: 3 } },
      UnsupportedModelError,
      /conv/,
    ],
    [
      "impossible metadata",
      { ...basic, metadata: new Map([["resnet-edge", '{"architecture":{"layers":"many"}}']]) },
      {},
      ModelFormatError,
      /layers/,
    ],
  ];
  test.each(refusals)("%s", (_, state, options, kind, message) => {
    let thrown: unknown;
    try {
      buildNetwork(state, options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(kind);
    expect((thrown as Error).message).toMatch(message);
  });

  test("a name of a million wrappers takes no time", () => {
    const start = performance.now();
    expect(() => buildNetwork(changed(basic, { ["module.".repeat(1e6)]: { shape: [1] } }))).toThrow(
      UnsupportedModelError,
    );
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test("a variance of zero is legal", () => {
    const network = buildNetwork(changed(basic, { "bn1.running_var": floats(0, 1, 1, 1, 1, 1, 1, 1) }), {
      inputSize: 9,
    });
    expect(runReference(network, new Float32Array(243).fill(0.5)).every(Number.isFinite)).toBe(true);
  });
});
