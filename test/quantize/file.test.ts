import { beforeAll, describe, expect, test } from "vitest";
import { ModelFormatError, UnsupportedModelError } from "../../src/errors.js";
import type { Network, Weight } from "../../src/graph/network.js";
import { elementCount, type StateDict } from "../../src/graph/tensor.js";
import { later } from "../../src/host/later.js";
import { nodeHost } from "../../src/host/node.js";
import { openNetwork } from "../../src/model/build.js";
import { buildNetwork, modelCard, pseudoRandomNetwork } from "../../src/model/index.js";
import { writeNetwork } from "../../src/quantize/file.js";
import { layersOf } from "../../src/quantize/layers.js";
import { openWeights } from "../../src/weights/index.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { library } from "../built.js";
import { changed } from "../model/fixtures.js";
import { Delivery } from "../weights/pieces.js";
import { card, float, inputs, quantized } from "./fixture.js";

let network: Network;
let file: Uint8Array;
beforeAll(async () => {
  ({ network } = await quantized());
  file = writeNetwork(network, card, "f16");
}, 120_000);

const read = (bytes = file) => readSafetensors(bytes, "the file");

function integersOf({ shape, int8 }: Weight): number[] {
  const values = new Int8Array(elementCount(shape));
  int8?.read(0, shape[0]!, values);
  return [...values];
}

function valuesOf({ shape, read }: Weight): Float32Array {
  const values = new Float32Array(elementCount(shape));
  read(0, shape[0]!, values);
  return values;
}

/** What a network holds, as plain data. */
const contents = (of: Network) => ({
  values: of.values.map(({ quantization }) => quantization),
  layers: layersOf(of).map(({ name, weight, bias }) => ({
    name,
    integers: integersOf(weight),
    scales: weight.int8 && [...weight.int8.scales.read()],
    bias: [...bias!.read()].map(Math.fround),
  })),
});

test("a written network is read as it was: integers, scales, biases and rounded values", () => {
  const back = buildNetwork(read(), { integers: true });
  expect(contents(back)).toEqual(contents(network));
  expect(contents(back).layers.filter(({ scales }) => scales).length).toBeGreaterThan(5);
  expect(new Set(contents(back).values.map((it) => it?.type))).toEqual(new Set([undefined, "u8", "u7", "s16"]));
  expect(modelCard(read()).preprocess).toEqual(card.preprocess);
});

test("it is read by its own description: integers times their channel's scale", () => {
  const { tensors } = read();
  const tensor = tensors.get("layer2.0.conv1.weight")!;
  const scales = tensors.get("layer2.0.conv1.weight_scale")!;
  const factors = new Float32Array(scales.bytes.slice().buffer);
  const integers = new Int8Array(tensor.bytes.slice().buffer);
  const row = elementCount(tensor.shape.slice(1));
  const layer = layersOf(buildNetwork(read())).find(({ name }) => name === "layer2.0.conv1")!;
  expect(layer.weight.int8).toBeUndefined();
  expect([...valuesOf(layer.weight)]).toEqual(
    [...integers].map((q, at) => Math.fround(factors[Math.floor(at / row)]! * q)),
  );
});

test("in float unless integers are asked for: no value is rounded", () => {
  const back = buildNetwork(read());
  expect(back.values.every(({ quantization }) => quantization === undefined)).toBe(true);
  expect(layersOf(back).every(({ weight }) => weight.int8 === undefined)).toBe(true);
});

test("a file on its way is built from its scales, before its weights are here", async () => {
  // Its reader is here already: the file goes on coming while code is waited for.
  await later.loadIntegers();
  const body = new Delivery(file, 4096);
  const state = await openWeights(body.body(), nodeHost);
  const arriving = await openNetwork(state, { integers: true }, later);
  expect(body.delivered).toBeLessThan(file.length);
  expect(arriving.values).toEqual(network.values);
  await state.arrival!.finished();
  expect(contents(arriving)).toEqual(contents(network));
});

test("the library runs it, in the worker too", async () => {
  const model = await library.loadModel(file);
  const { logits } = await model.run(inputs[20]!);
  await model.close();
  const exact = await library.loadModel(writeNetwork(float, card, "f32"));
  const expected = (await exact.run(inputs[20]!)).logits;
  await exact.close();
  const size = Math.max(...expected.map(Math.abs));
  for (const [index, logit] of logits.entries()) expect(Math.abs(logit - expected[index]!)).toBeLessThan(0.05 * size);
});

describe("files that are only smaller", () => {
  test.each([
    ["f16", 2 ** -11],
    ["bf16", 2 ** -8],
  ] as const)("%s: weights to the nearest, no scales", (type, error) => {
    const bytes = writeNetwork(float, card, type);
    const state = read(bytes);
    expect(state.metadata.has("resnet-edge.quantization")).toBe(false);
    expect(state.tensors.get("layer1.0.conv1.weight")!.dtype).toBe(type);
    const back = layersOf(buildNetwork(state));
    for (const [index, layer] of layersOf(float).entries()) {
      const values = valuesOf(layer.weight);
      for (const [at, value] of valuesOf(back[index]!.weight).entries()) {
        expect(Math.abs(value - values[at]!)).toBeLessThanOrEqual(error * Math.abs(values[at]!) + 2 ** -25);
      }
    }
  });

  test("integer weights without scales of values: nothing is rounded", () => {
    const plain = { ...network, values: network.values.map((shape) => ({ ...shape, quantization: undefined })) };
    const state = read(writeNetwork(plain, card, "f16"));
    expect([...state.tensors.keys()].some((name) => name.endsWith("output_scale"))).toBe(false);
    const back = buildNetwork(state, { integers: true });
    expect(back.values.every(({ quantization }) => !quantization)).toBe(true);
    expect(integersOf(layersOf(back)[3]!.weight)).toEqual(integersOf(layersOf(network)[3]!.weight));
  });
});

test("a network that a file would not give back is refused", () => {
  const other = pseudoRandomNetwork("resnet20-cifar", { foldBatchNorm: false });
  expect(() => writeNetwork(other, card, "f32")).toThrow(UnsupportedModelError);
});

describe("damaged and hostile files", () => {
  const f32 = (...values: number[]) => ({
    dtype: "f32" as const,
    shape: [values.length],
    bytes: new Uint8Array(Float32Array.from(values).buffer),
  });
  const build = (state: StateDict) => {
    const back = buildNetwork(state, { integers: true });
    for (const { weight, bias } of layersOf(back)) {
      valuesOf(weight);
      integersOf(weight);
      bias?.read();
    }
  };
  const layer = "layer2.0.conv1";
  const scalesOf = (state: StateDict) => [
    ...new Float32Array(state.tensors.get(`${layer}.weight_scale`)!.bytes.slice().buffer),
  ];

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("a scale of %d", (scale) => {
    const state = read();
    const scales = scalesOf(state).with(3, scale);
    expect(() => build(changed(state, { [`${layer}.weight_scale`]: f32(...scales) }))).toThrow(ModelFormatError);
    expect(() => build(changed(state, { [`${layer}.weight_scale`]: f32(...scales) }))).toThrow(/weight_scale\[3\]/);
    expect(() => build(changed(state, { [`${layer}.output_scale`]: f32(scale) }))).toThrow(ModelFormatError);
  });

  test.each<[string, (state: StateDict) => StateDict, RegExp]>([
    ["no scales", (state) => changed(state, { [`${layer}.weight_scale`]: null }), /no layer2\.0\.conv1\.weight_scale/],
    ["too few scales", (state) => changed(state, { [`${layer}.weight_scale`]: f32(1, 1) }), /shape \[2\]/],
    ["two scales of a value", (state) => changed(state, { [`${layer}.output_scale`]: f32(1, 1) }), /one scale/],
    ["scales of nothing", (state) => changed(state, { "layer9.output_scale": f32(1) }), /no layer9\.weight/],
    ["a scale of no convolution", (state) => changed(state, { "fc.output_scale": f32(1) }), /fc is no convolution/],
    ["scales of float weights", (state) => changed(state, { "conv1.weight_scale": f32(1) }), /only i8 weights/],
    [
      "scales that are integers",
      (state) => changed(state, { [`${layer}.output_scale`]: { dtype: "i32" } }),
      /scales are f32/,
    ],
    [
      "a version to come",
      (state) => ({ ...state, metadata: new Map(state.metadata).set("resnet-edge.quantization", "int8-2") }),
      /reads "int8-1"/,
    ],
    ["integer weights that nothing explains", (state) => ({ ...state, metadata: new Map() }), /no place for|is i8/],
  ])("%s", (_, damage, message) => {
    const damaged = damage(read());
    expect(() => build(damaged)).toThrow(message);
    try {
      build(damaged);
    } catch (error) {
      expect(error instanceof ModelFormatError || error instanceof UnsupportedModelError).toBe(true);
    }
  });

  test("a weight of -128, read as an integer or as a number", () => {
    const state = read();
    const { bytes } = state.tensors.get(`${layer}.weight`)!;
    const damaged = changed(state, { [`${layer}.weight`]: { dtype: "i8", bytes: bytes.slice().fill(0x80, 5, 6) } });
    const found = (integers: boolean) =>
      layersOf(buildNetwork(damaged, { integers })).find(({ name }) => name === layer)!.weight;
    expect(() => valuesOf(found(false))).toThrow(/-128/);
    expect(() => integersOf(found(true))).toThrow(ModelFormatError);
  });
});
