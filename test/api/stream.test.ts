import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labels } from "../../src/entry/imagenet.js";
import { watch } from "../../src/entry/more.js";
import type { Prediction } from "../../src/options.js";
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

describe("watch", () => {
  /** A video that shows a frame at each call of `show`. */
  function fakeVideo() {
    const waiting = new Map<number, (now: number, frame: { mediaTime: number }) => void>();
    let last = 0;
    const video = {
      requestVideoFrameCallback: (callback: (now: number, frame: { mediaTime: number }) => void) => {
        waiting.set(++last, callback);
        return last;
      },
      cancelVideoFrameCallback: (handle: number) => waiting.delete(handle),
    };
    const show = (now: number) => {
      const callbacks = [...waiting.values()];
      waiting.clear();
      for (const callback of callbacks) callback(now, { mediaTime: now / 1000 });
    };
    return { video: video as never, show, waiting };
  }
  const one = (score: number): Prediction[] => [
    { index: 0, label: "a", score },
    { index: 1, label: "b", score: 1 - score },
  ];

  test("two frames are under way, the others are dropped; it ends with the signal", async () => {
    const { video, show, waiting } = fakeVideo();
    const answers: ((predictions: Prediction[]) => void)[] = [];
    const classify = () => new Promise<Prediction[]>((resolve) => answers.push(resolve));
    const stop = new AbortController();
    const told: unknown[] = [];
    const watching = watch({ classify } as never, video, {
      signal: stop.signal,
      onAnswer: ([best], frame) => told.push([best!.label, frame]),
    });
    for (let frame = 0; frame < 5; frame++) show(frame * 33);
    expect(answers).toHaveLength(2);
    answers[0]!(one(0.9));
    await sleep(1);
    show(165);
    expect(answers).toHaveLength(3);
    expect(told).toEqual([["a", { time: 0, dropped: 3 }]]);
    stop.abort();
    await watching;
    expect(waiting.size).toBe(0);
    answers[1]!(one(0.9));
    await sleep(1);
    expect(told).toHaveLength(1);
  });

  test("maxRate, smooth, and an error", async () => {
    const { video, show } = fakeVideo();
    let score = 1;
    let asked = 0;
    const classify = async () => {
      asked++;
      if (score < 0) throw new Error("broken");
      return one(score);
    };
    const told: number[] = [];
    const watching = watch({ classify } as never, video, {
      maxRate: 10,
      smooth: 0.75,
      onAnswer: (predictions) => told.push(predictions.find(({ index }) => index === 0)!.score),
    });
    for (let frame = 0; frame < 30; frame++) {
      show((frame * 1000) / 30);
      await sleep(1);
      score = 0;
    }
    expect(asked).toBe(10);
    expect(told.slice(0, 3)).toEqual([1, 0.75, 0.5625]);
    score = -1;
    show(2000);
    await expect(watching).rejects.toThrow("broken");
    expect(() => watch({ classify } as never, video, { maxRate: 0, onAnswer() {} })).toThrow(/maxRate is 0/);
    expect(() => watch({ classify } as never, video, { smooth: 1, onAnswer() {} })).toThrow(/smooth is 1/);
  });
});
