import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { library, root, smallModel } from "../built.js";
import { smallModelWith } from "./small-model.js";

const { loadModel, loadClassifier } = library;
const cat = new URL("examples/photos/cat.jpg", root);
const horse = new URL("examples/photos/horse.png", root);
/** Another way to write it than the library's. */
const sigmoid = (x: number) => (1 + Math.tanh(x / 2)) / 2;

test('scores: "sigmoid" scores each class on its own, "none" gives logits', async () => {
  const scores = async (kind?: "softmax" | "sigmoid" | "none") => {
    const classifier = await loadClassifier(smallModel, { architecture: { scores: kind } });
    const predictions = await classifier.classify(cat, { topK: 100 });
    await classifier.close();
    return predictions;
  };
  const logits = await scores("none");
  const softmax = await scores();
  const sigmoids = await scores("sigmoid");
  expect(logits.length).toBeGreaterThan(3);
  expect(logits.some(({ score }) => score < 0 || score > 1)).toBe(true);
  const sum = logits.reduce((total, { score }) => total + Math.exp(score), 0);
  for (const [at, { index, score }] of logits.entries()) {
    expect(softmax[at]).toMatchObject({ index, score: expect.closeTo(Math.exp(score) / sum, 9) });
    expect(sigmoids[at]).toMatchObject({ index, score: expect.closeTo(sigmoid(score), 9) });
  }
});

test("minScore of raw logits may be any number; of probabilities it may not", async () => {
  const raw = await loadClassifier(smallModel, { architecture: { scores: "none" } });
  const all = await raw.classify(cat, { topK: 100 });
  const least = all[1]!.score;
  expect(await raw.classify(cat, { topK: 100, minScore: least })).toEqual(all.slice(0, 2));
  await expect(raw.classify(cat, { minScore: Number.NaN })).rejects.toMatchObject({ name: "OptionError" });
  await raw.close();
});

test.each([{ worker: false }, {}] as const)("one logit is a sigmoid's: two labels %j", async (options) => {
  const source = await smallModelWith(1, { labels: ["cat"] });
  const model = await loadModel(source, options);
  const { logits } = await model.run(new Float32Array(model.input.shape.reduce((a, b) => a * b)).fill(0.3));
  expect(logits).toHaveLength(1);
  await model.close();

  const named = await loadClassifier(source, options);
  expect(named.labels).toEqual(["not cat", "cat"]);
  const raw = await loadClassifier(source, { ...options, architecture: { scores: "none" } });
  const logit = (await raw.classify(cat))[0]!.score;
  expect((await raw.classify(cat))[0]).toMatchObject({ index: 0, label: "cat" });
  const byIndex = (await named.classify(cat)).toSorted((a, b) => a.index - b.index);
  expect(byIndex).toEqual([
    { index: 0, label: "not cat", score: expect.closeTo(1 - sigmoid(logit), 9) },
    { index: 1, label: "cat", score: expect.closeTo(sigmoid(logit), 9) },
  ]);
  const two = await loadClassifier(source, { ...options, labels: ["dog", "cat"] });
  expect((await two.classify(cat)).map(({ label }) => label).sort()).toEqual(["cat", "dog"]);
  await expect(loadClassifier(source, { ...options, labels: ["a", "b", "c"] })).rejects.toMatchObject({
    name: "OptionError",
    message: /3 labels for 2 classes/,
  });
  for (const classifier of [named, raw, two]) await classifier.close();
});

test("labels are a list of strings", async () => {
  for (const labels of ["imagenet?", [1, 2, 3], {}]) {
    await expect(loadClassifier(smallModel, { labels: labels as never })).rejects.toMatchObject({
      name: "OptionError",
    });
  }
});

test.each([{ worker: false }, {}] as const)(
  "a network without a head makes features, and does not classify %j",
  async (options) => {
    const source = await smallModelWith(0);
    const classifier = await loadClassifier(source, options);
    for (const call of [classifier.classify(cat), classifier.classify([cat, cat])]) {
      await expect(call).rejects.toMatchObject({ name: "UnsupportedModelError", message: /no classifier.*run\(\)/ });
    }
    await classifier.close();
    const model = await loadModel(source, options);
    const input = new Float32Array(model.input.shape.reduce((a, b) => a * b)).fill(0.3);
    expect((await model.run(input)).logits).toHaveLength(16);
    await model.close();
  },
);

test.each([{ worker: false }, {}] as const)(
  "logits that are no numbers are an error, which says where %j",
  async (options) => {
    const model = await loadModel(smallModel, options);
    const length = model.input.shape.reduce((a, b) => a * b);
    const three = new Float32Array(3 * length).fill(0.3);
    three[length + 7] = Number.NaN;
    await expect(model.run(three)).rejects.toMatchObject({
      name: "NumericError",
      message: /image 2 of 3.*basic\.safetensors.*[Vv]alue 7 of the input is NaN/,
    });
    const good = new Float32Array(length).fill(0.3);
    expect((await model.run(good)).logits.every(Number.isFinite)).toBe(true);
    await expect(model.run(new Float32Array(length).fill(3e38))).rejects.toMatchObject({
      name: "NumericError",
      message: /check mean, std/,
    });
    await model.close();

    const blown = await loadClassifier(smallModel, { ...options, preprocess: { std: [1e-38, 1e-38, 1e-38] } });
    await expect(blown.classify(cat)).rejects.toMatchObject({ name: "NumericError" });
    await expect(blown.classify([cat, horse])).rejects.toMatchObject({
      name: "NumericError",
      message: /^Image 1 of 2: /,
    });
    await blown.close();
  },
);

test("a batch says which image failed", async () => {
  const classifier = await loadClassifier();
  const images = [readFileSync(cat), Buffer.from("no image"), readFileSync(cat)];
  await expect(classifier.classify(images)).rejects.toMatchObject({
    name: "ImageDecodeError",
    message: /^Image 2 of 3: /,
  });
  await classifier.close();
});

test.each([{ worker: false }, {}] as const)(
  "an input of another size is refused, with both sizes %j",
  async (options) => {
    const model = await loadModel(smallModel, options);
    const [, , side] = model.input.shape;
    const refused = (...words: string[]) => ({ name: "ShapeError", message: expect.stringMatching(words.join(".*")) });
    await expect(model.run(new Float32Array(3 * 20 * 20))).rejects.toMatchObject(
      refused(`3 x ${side} x ${side}`, "3 x 20 x 20", "inputSize: 20"),
    );
    const larger = new Float32Array(3 * 4 * side * side).fill(0.3);
    const shape = [1, 3, 2 * side, 2 * side];
    await expect(model.run(larger, { shape })).rejects.toMatchObject(
      refused(shape.join(" x "), `3 x ${side} x ${side}`),
    );
    await expect(model.run(larger, { shape: [3, 3, side, side] })).rejects.toMatchObject({ name: "ShapeError" });
    await expect(model.run(larger, { shape: "4" as never })).rejects.toMatchObject({ name: "OptionError" });
    // The same count of values is a batch of four.
    const batch = await model.run(larger, { shape: [4, 3, side, side] });
    expect((await model.run(larger)).logits).toEqual(batch.logits);
    await model.close();
  },
);
