import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labels } from "../../src/entry/imagenet.js";
import { library, root } from "../built.js";

const photo = (name: string) => fileURLToPath(new URL(`examples/photos/${name}`, root));
const names = ["cat.jpg", "coffee.jpg", "horse.png", "rocket.jpg"].map(photo);

describe.each(["auto", false] as const)("worker: %s", (worker) => {
  let classifier: Awaited<ReturnType<typeof library.loadClassifier>>;
  beforeAll(async () => {
    classifier = await library.loadClassifier(undefined, { device: "cpu", worker });
  });
  afterAll(() => classifier.close());

  test("a stream answers in order, as classify does, with errors beside the answers", async () => {
    const alone = await classifier.classify(names, { topK: 2 });
    const images = [names[0]!, names[1]!, new Uint8Array(7), names[2]!, names[3]!];
    const answers = [];
    for await (const answer of classifier.stream(images, { topK: 2 })) answers.push(answer);
    expect(answers.map(({ image }) => image)).toEqual(images);
    expect(answers[2]).toMatchObject({ predictions: null, error: { name: "ImageDecodeError" } });
    expect(answers.flatMap(({ predictions }) => (predictions ? [predictions] : []))).toEqual(alone);
  });

  test("an endless source is asked for no more than are wanted, and ended by who leaves", async () => {
    let asked = 0;
    let ended = false;
    async function* source() {
      try {
        for (;;) yield names[asked++ % 4]!;
      } finally {
        ended = true;
      }
    }
    let taken = 0;
    for await (const _ of classifier.stream(source(), { ahead: 2 })) {
      await sleep(20);
      expect(asked).toBeLessThanOrEqual(taken + 4);
      if (++taken === 5) break;
    }
    expect(ended).toBe(true);
  });

  test("an abort ends a stream with its reason, as a wrong option does", async () => {
    const controller = new AbortController();
    const results = classifier.stream(
      (function* () {
        for (;;) yield names[0]!;
      })(),
      { signal: controller.signal },
    );
    expect((await results.next()).value).toMatchObject({ error: null });
    controller.abort(new Error("enough"));
    await expect(results.next()).rejects.toThrow("enough");
    const all = (options: object) => classifier.stream(names, options).next();
    await expect(all({ ahead: 0 })).rejects.toMatchObject({ name: "OptionError" });
    await expect(all({ aheads: 1 })).rejects.toThrow(/did you mean "ahead"/);
    await expect(all({ topK: 0 })).rejects.toMatchObject({ name: "OptionError" });
  });

  test("allow and deny leave classes out; scores stay, or are renormalised", async () => {
    const every = await classifier.classify(names[0]!, { topK: 110 });
    const some = ["dog", "cat", "horse"];
    const allowed = await classifier.classify(names[0]!, { allow: some });
    expect(allowed).toEqual(every.filter(({ label }) => some.includes(label)));
    const [first] = every;
    expect(await classifier.classify(names[0]!, { deny: [first!.index], topK: 2 })).toEqual(every.slice(1, 3));
    const scaled = await classifier.classify(names[0]!, { allow: some, deny: ["cat"], renormalise: true });
    expect(scaled.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 12);
    expect(scaled).toHaveLength(2);
    const both = await classifier.classify(names.slice(0, 2), { allow: ["cat"], minScore: 0.5 });
    expect(both.map((it) => it.length)).toEqual([1, 0]);
    for (const [allow, message] of [
      [["catt"], /There is no class "catt"; did you mean "cat"\?/],
      [[110], /no class 110: there are 110/],
      [[1.5], /whole number/],
      ["cat", /list/],
    ] as const) {
      await expect(classifier.classify(names[0]!, { allow: allow as never })).rejects.toThrow(message);
    }
  });

  test("region and rotation: as a picture that was cut and turned before", async () => {
    const region = { x: 31, y: 17, width: 150, height: 101 };
    const { x: left, y: top, ...size } = region;
    for (const rotation of [0, 90, 180, 270] as const) {
      const cut = await sharp(names[0]!)
        .extract({ left, top, ...size })
        .raw()
        .toBuffer({ resolveWithObject: true });
      const { data, info } = await sharp(cut.data, { raw: cut.info })
        .rotate(rotation)
        .raw()
        .toBuffer({ resolveWithObject: true });
      const raw = { data: new Uint8Array(data), width: info.width, height: info.height };
      const expected = await classifier.classify(raw);
      expect(await classifier.classify(names[0]!, { region, rotation })).toEqual(expected);
    }
    await expect(classifier.classify(names[0]!, { region: { ...region, width: 1e5 } })).rejects.toThrow(
      /does not lie in/,
    );
    await expect(classifier.classify(names[0]!, { region: { ...region, x: 0.5 } })).rejects.toThrow(/whole pixels/);
    await expect(classifier.classify(names[0]!, { rotation: 45 as never })).rejects.toThrow(/rotation is 45/);
  });

  test("logits are those of run, of what preprocess makes", async () => {
    const model = await library.loadModel(new URL("models/cifar110-resnet20x2.int8.safetensors", root), {
      device: "cpu",
      worker,
    });
    const { logits } = await model.run(await library.preprocess(names[0]!, model.preprocess));
    for (const { index, logit } of await classifier.classify(names[0]!, { topK: 110, logits: true })) {
      expect(logit).toBe(logits[index]);
    }
    const bytes = new Uint8Array(readFileSync(names[0]!));
    expect(await library.preprocess(bytes, model.preprocess)).toEqual(
      await library.preprocess(names[0]!, model.preprocess),
    );
    await model.close();
  });
});

test(`labels: "imagenet" are a thousand, and never of a network with other classes`, async () => {
  const names = await labels();
  expect(names).toHaveLength(1000);
  expect([0, 1, 281, 999].map((index) => names[index])).toEqual(["tench", "goldfish", "tabby", "toilet tissue"]);
  await expect(library.loadClassifier(undefined, { labels: "imagenet" })).rejects.toThrow(
    /1000 labels for 110 classes/,
  );
  await expect(library.loadClassifier(undefined, { labels: "imagnet" as never })).rejects.toThrow(/list of strings/);
});
