import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { library, root, smallModel } from "../built.js";
import { networkFixtures } from "../model/fixtures.js";

const { loadModel, loadClassifier } = library;
const photo = (name: string) => new URL(`examples/photos/${name}`, root);

test("the bundled model on photographs: predictions best first, probabilities", async () => {
  const classifier = await loadClassifier();
  expect(classifier.labels).toHaveLength(110);
  const [horse, cat] = await classifier.classify([photo("horse.png"), photo("cat.jpg")], { topK: 110 });
  for (const predictions of [horse!, cat!]) {
    const scores = predictions.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(scores.reduce((sum, score) => sum + score)).toBeCloseTo(1, 9);
    for (const { index, label } of predictions) expect(label).toBe(classifier.labels![index]);
  }
  expect(horse![0]!.label).toBe("horse");
  expect(await classifier.classify(photo("horse.png").pathname, { topK: 1 })).toEqual([horse![0]]);
  expect(await classifier.classify(readFileSync(photo("horse.png")), { topK: 1 })).toEqual([horse![0]]);
  expect(await classifier.classify(photo("horse.png"), { topK: 110, minScore: 2 / 3 })).toEqual(
    horse!.filter(({ score }) => score >= 2 / 3),
  );
  expect(await classifier.classify([])).toEqual([]);
  await expect(classifier.classify(photo("horse.png"), { topK: 0 })).rejects.toMatchObject({ name: "OptionError" });
  await expect(classifier.classify(photo("horse.png"), { minScore: 7 })).rejects.toMatchObject({ name: "OptionError" });
  await classifier.close();
});

test("a batch is its images one by one", async () => {
  const { size, input, logits } = networkFixtures.find(({ name }) => name === "basic")!;
  const model = await loadModel(smallModel, { inputSize: size });
  expect(model.input).toEqual({ shape: [1, 3, size, size], layout: "NCHW" });
  const other = input.map((value, at) => value * 0.5 + Math.sin(at));
  const both = new Float32Array(2 * input.length);
  both.set(input);
  both.set(other, input.length);
  const copy = both.slice();
  const batch = await model.run(both);
  expect(both).toEqual(copy);
  expect(batch.logits.subarray(0, logits.length)).toEqual((await model.run(input)).logits);
  expect(batch.logits.subarray(logits.length)).toEqual((await model.run(other)).logits);
  for (const length of [0, 1, input.length - 1]) {
    await expect(model.run(new Float32Array(length))).rejects.toMatchObject({ name: "ShapeError" });
  }
  await expect(model.run(Array.from(input) as never)).rejects.toMatchObject({ name: "ShapeError" });
  await model.close();
});

test("concurrent calls are answered in order; aborted ones reject, and the rest are right", async () => {
  const model = await loadModel(smallModel);
  const [, c, h, w] = model.input.shape;
  const inputs = Array.from({ length: 60 }, (_, k) =>
    Float32Array.from({ length: c! * h * w }, (_, at) => Math.sin(at * (k + 1))),
  );
  const alone: Float32Array[] = [];
  for (const input of inputs) alone.push((await model.run(input)).logits);
  const order: number[] = [];
  const controllers = inputs.map(() => new AbortController());
  const calls = inputs.map(async (input, k) => {
    try {
      return (await model.run(input, { signal: controllers[k]!.signal })).logits;
    } finally {
      if (!controllers[k]!.signal.aborted) order.push(k);
    }
  });
  for (let k = 5; k < 60; k += 7) controllers[k]!.abort();
  const results = await Promise.allSettled(calls);
  for (const [k, result] of results.entries()) {
    if (k >= 5 && (k - 5) % 7 === 0) {
      expect(result).toMatchObject({ status: "rejected", reason: { name: "AbortError" } });
    } else expect(result).toEqual({ status: "fulfilled", value: alone[k] });
  }
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  await model.close();
});

test("closing waits for what was asked, and refuses what comes later", async () => {
  const model = await loadModel(smallModel);
  const [, c, h, w] = model.input.shape;
  const input = new Float32Array(c! * h * w);
  const running = [model.run(input), model.run(input)];
  const closing = model.close();
  for (const result of await Promise.all(running)) expect(result.logits.length).toBeGreaterThan(0);
  await closing;
  await model.close();
  await expect(model.run(input)).rejects.toMatchObject({ name: "ClosedError" });
});

test("the plan and the stats say where it runs and why", async () => {
  const model = await loadModel(smallModel, { device: "cpu", simd: "baseline", threads: 1 });
  expect(model.plan.stages.map(({ device }) => device)).toEqual(model.plan.stages.map(() => "cpu"));
  expect(model.plan.toString()).toMatch(/stem\s+cpu/);
  expect(model.stats.kernels).toBe("wasm simd128 4x8");
  expect(model.stats.threads).toBe(1);
  expect(model.stats.threadsReason).toMatch(/./);
  expect(model.stats.wasmBytes).toBeGreaterThan(65536);
  await model.close();
});
