import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeFile } from "../../src/image/decode-node.js";
import { preprocess } from "../../src/image/index.js";
import { buildNetwork } from "../../src/model/index.js";
import { library, root, smallModel } from "../built.js";
import { fixtureState, networkFixtures } from "../model/fixtures.js";
import { runReferenceStages } from "../model/reference.js";

const { loadModel, loadClassifier } = library;
const photo = (name: string) => new URL(`examples/photos/${name}`, root);
const fixture = (name: string) => new URL(`test/fixtures/networks/${name}.safetensors`, root);

/** The largest difference, as a share of the largest value. */
function apart(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(got.length).toBe(expected.length);
  let [most, worst] = [0, 0];
  for (let at = 0; at < expected.length; at++) {
    most = Math.max(most, Math.abs(expected[at]!));
    worst = Math.max(worst, Math.abs(got[at]! - expected[at]!));
  }
  return worst / most;
}

const averages = (values: Float32Array, channels: number) =>
  Array.from({ length: channels }, (_, channel) => {
    const pixels = values.length / channels;
    const plane = values.subarray(channel * pixels, (channel + 1) * pixels);
    return plane.reduce((sum, value) => sum + value, 0) / pixels;
  });

test.each(networkFixtures)(
  "$name: every stage is that of plain loops, and the last one's means are PyTorch's features",
  async (it) => {
    const network = buildNetwork(fixtureState(it.name), { inputSize: it.size });
    const expected = runReferenceStages(network, it.input);
    const model = await loadModel(fixture(it.name), { inputSize: it.size, device: "cpu" });
    for (const [index, stage] of network.stages.entries()) {
      const { channels, height, width } = network.values[stage.output]!;
      const { values, shape, layout } = await model.run(it.input, { until: stage.name });
      expect(shape).toEqual([1, channels, height, width]);
      expect(layout).toBe("NCHW");
      expect(apart(values, expected[index]!), stage.name).toBeLessThan(1e-5);
    }
    const last = network.stages.at(-2)!;
    const { values, shape } = await model.run(it.input, { until: last.name });
    expect(apart(averages(values, shape[1]), it.features)).toBeLessThan(1e-5);
    await model.close();
  },
);

test("several images, a stage that there is not, a shape that is not the model's, an abort", async () => {
  const { size, input } = networkFixtures.find(({ name }) => name === "basic")!;
  const model = await loadModel(smallModel, { inputSize: size });
  const other = input.map((value, at) => value * 0.5 + Math.sin(at));
  const both = new Float32Array(2 * input.length);
  both.set(input);
  both.set(other, input.length);
  const { values, shape } = await model.run(both, { until: "layer2" });
  expect(shape[0]).toBe(2);
  const half = values.length / 2;
  expect(values.subarray(0, half)).toEqual((await model.run(input, { until: "layer2" })).values);
  expect(values.subarray(half)).toEqual((await model.run(other, { until: "layer2" })).values);
  await expect(model.run(input, { until: "layer9" })).rejects.toMatchObject({
    name: "OptionError",
    message: 'There is no stage "layer9"; this network\'s are stem, layer1, layer2, layer3, layer4, head.',
  });
  await expect(model.run(input, { until: 4 as never })).rejects.toMatchObject({ name: "OptionError" });
  await expect(model.run(input, { until: "stem", shape: [2, 3, size, size] })).rejects.toMatchObject({
    name: "ShapeError",
  });
  await expect(model.run(input.subarray(1), { until: "stem" })).rejects.toMatchObject({ name: "ShapeError" });
  await expect(model.run([1] as never, { until: "stem" })).rejects.toMatchObject({ name: "ShapeError" });
  await expect(model.run(input, { until: "stem", signal: AbortSignal.abort() })).rejects.toMatchObject({
    name: "AbortError",
  });
  // The answer is what it was.
  expect(await model.run(input)).toEqual({ logits: (await model.run(input)).logits });
  await model.close();
  await expect(model.run(input, { until: "stem" })).rejects.toMatchObject({ name: "ClosedError" });
});

const settings = [
  { worker: "auto", threads: 1 },
  { worker: "auto", threads: 2 },
  { worker: false, threads: 1 },
] as const;

describe.each(settings)("worker: $worker, threads: $threads", (setting) => {
  test("a picture's features are the means of its last stage", async () => {
    const model = await loadModel(smallModel, setting);
    const classifier = await loadClassifier(smallModel, setting);
    const pixels = await decodeFile(photo("cat.jpg").pathname);
    const { values, shape } = await model.run(preprocess(pixels, model.preprocess), { until: "layer4" });
    expect(classifier.embedding).toBe(shape[1]);
    const expected = averages(values, shape[1]);
    const one = await classifier.embed(photo("cat.jpg"));
    expect(apart(one, expected)).toBeLessThan(1e-6);
    const [again, other] = await classifier.embed([pixels, readFileSync(photo("horse.png"))]);
    expect(again).toEqual(one);
    expect(apart(other!, expected)).toBeGreaterThan(1e-2);
    await expect(classifier.embed([photo("cat.jpg"), new Uint8Array(9)])).rejects.toMatchObject({
      name: "ImageDecodeError",
      message: expect.stringMatching(/^Image 2 of 2: /),
    });
    await expect(classifier.embed(photo("cat.jpg"), { until: "stem" } as never)).rejects.toMatchObject({
      name: "OptionError",
    });
    await model.close();
    await classifier.close();
  });

  test.each(["basic", "bundled, int8"])("%s: a class's map and its bias make its logit", async (name) => {
    const classifier = await (name === "basic"
      ? loadClassifier(smallModel, setting)
      : loadClassifier(undefined, setting));
    const model = await (name === "basic"
      ? loadModel(smallModel, setting)
      : loadModel(new URL("dist/cifar110-resnet20x2.int8.safetensors", root), setting));
    const input = preprocess(await decodeFile(photo("cat.jpg").pathname), model.preprocess);
    const { logits } = await model.run(input);
    const { shape } = await model.run(input, { until: name === "basic" ? "layer4" : "layer3" });
    const most = Math.max(...logits.map(Math.abs));
    for (const index of [0, 3, logits.length - 1]) {
      const map = await classifier.explain(photo("cat.jpg"), { index });
      expect(map).toMatchObject({ index, method: "cam", height: shape[2], width: shape[3], logit: logits[index] });
      const mean = map.values.reduce((sum, value) => sum + value, 0) / map.values.length;
      // Integer networks round the pooled features to 64ths of their step.
      expect(Math.abs(mean + map.bias - map.logit) / most).toBeLessThan(name === "basic" ? 1e-5 : 2e-3);
      expect(map.shares!.reduce((sum, value) => sum + value, map.bias)).toBeCloseTo(map.logit, 1);
    }
    const { index, label } = await classifier.explain(photo("cat.jpg"));
    const [best] = await classifier.classify(photo("cat.jpg"), { topK: 1 });
    expect({ index, label }).toEqual({ index: best!.index, label: best!.label });
    await expect(classifier.explain(photo("cat.jpg"), { index: logits.length })).rejects.toMatchObject({
      name: "OptionError",
    });
    await classifier.close();
    await model.close();
  });
});

test("a map is weights times activations, cell by cell, and says where in the picture it lies", async () => {
  const model = await loadModel(smallModel, { worker: false });
  const classifier = await loadClassifier(smallModel, { worker: false });
  const pixels = await decodeFile(photo("cat.jpg").pathname);
  const { values, shape } = await model.run(preprocess(pixels, model.preprocess), { until: "layer4" });
  const [, channels, height, width] = shape;
  const state = fixtureState("basic");
  const { bytes } = state.tensors.get("fc.weight")!;
  const halves = new DataView(bytes.buffer, bytes.byteOffset);
  const weight = (row: number, channel: number) => half(halves.getUint16(2 * (row * channels + channel), true));
  const map = await classifier.explain(photo("cat.jpg"), { index: 2 });
  const expected = Array.from({ length: height * width }, (_, pixel) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++)
      sum += weight(2, channel) * values[channel * height * width + pixel]!;
    return sum;
  });
  expect(apart(map.values, expected)).toBeLessThan(1e-6);
  // The crop is the middle: of a wide picture its whole height, but for what the resize leaves over.
  const { resize, crop } = model.preprocess as { resize: number; crop: number };
  const short = Math.min(pixels.width, pixels.height);
  expect(map.picture).toEqual({ width: pixels.width, height: pixels.height });
  expect(Math.abs(map.region.width - (short * crop) / resize)).toBeLessThan(1);
  expect(map.region.x + map.region.width / 2).toBeCloseTo(pixels.width / 2, -0.5);
  await model.close();
  await classifier.close();
});

test("occlusion: how much the logit falls where a part is hidden; with progress, and an end to it", async () => {
  const model = await loadModel(smallModel);
  const classifier = await loadClassifier(smallModel);
  const pixels = await decodeFile(photo("cat.jpg").pathname);
  const input = preprocess(pixels, model.preprocess);
  const [, , height, width] = model.input.shape;
  const seen: number[] = [];
  const map = await classifier.explain(photo("cat.jpg"), {
    ...{ index: 1, method: "occlusion", cells: 4 },
    onProgress: ({ loaded, total }) => seen.push(loaded / total),
  });
  expect(map).toMatchObject({ method: "occlusion", height: 4, width: 4, bias: 0, shares: null });
  expect(seen).toHaveLength(16);
  expect(seen.at(-1)).toBe(1);
  const logit = (await model.run(input)).logits[1]!;
  expect(map.logit).toBe(logit);
  // Cell (1, 2), with half of each neighbour: rows 1/8 to 5/8, columns 3/8 to 7/8.
  const hidden = input.slice();
  for (let plane = 0; plane < 3; plane++)
    for (let y = height / 8; y < (5 * height) / 8; y++)
      for (let x = (3 * width) / 8; x < (7 * width) / 8; x++) hidden[(plane * height + y) * width + x] = 0;
  expect(map.values[6]).toBeCloseTo(logit - (await model.run(hidden)).logits[1]!, 5);
  const controller = new AbortController();
  const aborted = classifier.explain(photo("cat.jpg"), {
    ...{ method: "occlusion", signal: controller.signal },
    onProgress: () => controller.abort(),
  });
  await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
  for (const wrong of [{ method: "other" }, { cells: 0 }, { cells: 1.5 }, { class: 1 }]) {
    await expect(classifier.explain(photo("cat.jpg"), wrong as never)).rejects.toMatchObject({ name: "OptionError" });
  }
  await model.close();
  await classifier.close();
});

test("a head that is more than a pool and a linear layer is explained by occlusion, and a map is refused", async () => {
  const classifier = await loadClassifier(smallModel, { architecture: { globalPool: "max" } });
  expect(await classifier.explain(photo("cat.jpg"), { cells: 2 })).toMatchObject({ method: "occlusion", width: 2 });
  await expect(classifier.explain(photo("cat.jpg"), { method: "cam" })).rejects.toMatchObject({
    name: "UnsupportedModelError",
  });
  const features = await classifier.embed(photo("cat.jpg"));
  await classifier.close();
  const model = await loadModel(smallModel);
  const { values, shape } = await model.run(preprocess(await decodeFile(photo("cat.jpg").pathname), model.preprocess), {
    until: "layer4",
  });
  const pixels = shape[2] * shape[3];
  const largest = Array.from({ length: shape[1] }, (_, channel) =>
    Math.max(...values.subarray(channel * pixels, (channel + 1) * pixels)),
  );
  expect(apart(features, largest)).toBeLessThan(1e-6);
  await model.close();
});

function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 0x3ff) / 1024;
  const size = exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14;
  return bits & 0x8000 ? -size : size;
}
