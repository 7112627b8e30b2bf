import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { train } from "../../src/teach/train.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { library, root, smallModel } from "../built.js";
import { fixtureState } from "../model/fixtures.js";
import { generator } from "../random.js";

const { createTeacher }: typeof import("../../src/entry/teach-node.js") = await import(
  /* @vite-ignore */ pathToFileURL(new URL("dist/teach-node.js", root).pathname).href
);

/** A picture of stripes: of a colour, and of a width that differs from picture to picture. */
function stripes(colour: readonly number[], turn: number) {
  const [width, height] = [40, 36];
  const data = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const lit = Math.floor(((pixel % width) + turn) / (2 + (turn % 3))) % 2;
    for (let channel = 0; channel < 3; channel++)
      data[3 * pixel + channel] = colour[channel]! * lit + ((7 * turn + pixel) % 20);
  }
  return { data, width, height };
}
const red = (turn: number) => stripes([220, 20, 10], turn);
const blue = (turn: number) => stripes([10, 30, 230], turn);
const bundled = new URL("dist/cifar110-resnet20x2.int8.safetensors", root);

async function taught(model: URL, options = {}) {
  const teacher = await createTeacher(model, { threads: 1, ...options });
  for (let turn = 0; turn < 6; turn++) {
    await teacher.add("red", red(turn));
    await teacher.add("blue", blue(turn));
  }
  return teacher;
}

describe.each([
  ["f32", smallModel],
  ["int8", bundled],
])("%s backbone", (name, model) => {
  test("learns, and what is exported answers as the teacher does, in every host's way", async () => {
    const teacher = await taught(model);
    expect(teacher.labels).toEqual(["red", "blue"]);
    const seen: number[] = [];
    const report = await teacher.train({ onProgress: ({ loaded, total }) => seen.push(loaded / total) });
    expect(seen.at(-1)).toBe(1);
    expect(report).toMatchObject({ labels: ["red", "blue"], examples: [6, 6], folds: 5, notes: [] });
    expect(report.accuracy).toBe(1);
    expect(report.confusion).toEqual([
      [6, 0],
      [0, 6],
    ]);
    expect(report.interval![0]).toBeCloseTo(0.7575, 3);
    const file = await teacher.export();
    const answers = [];
    for (const image of [red(20), blue(21), stripes([250, 250, 250], 5)]) answers.push(await teacher.classify(image));
    expect(answers[0]!.predictions.find(({ index }) => index >= 0)!.label).toBe("red");
    expect(answers[1]!.predictions.find(({ index }) => index >= 0)!.label).toBe("blue");
    for (const worker of ["auto", false] as const) {
      const classifier = await library.loadClassifier(file, { worker });
      expect(classifier.labels).toEqual(["red", "blue"]);
      for (const [at, image] of [red(20), blue(21), stripes([250, 250, 250], 5)].entries()) {
        const got = await classifier.classify(image);
        const { predictions } = answers[at]!;
        expect(got.map(({ index, label }) => ({ index, label }))).toEqual(
          predictions.map(({ index, label }) => ({ index, label })),
        );
        // Integer networks round the pooled features.
        for (const [rank, { score }] of got.entries())
          expect(score).toBeCloseTo(predictions[rank]!.score, name === "int8" ? 1 : 4);
      }
      await classifier.close();
    }
    const { count, accuracy, confusion } = await teacher.evaluate({ red: [red(30), red(31)], blue: [blue(33)] });
    expect({ count, accuracy, confusion }).toEqual({
      count: 3,
      accuracy: 1,
      confusion: [
        [2, 0],
        [0, 1],
      ],
    });
    await teacher.close();
    await expect(teacher.classify(red(1))).rejects.toMatchObject({ name: "ClosedError" });
  });

  test("what is saved is continued to the same layer", async () => {
    const teacher = await taught(model);
    await teacher.train();
    const [state, file] = [teacher.save(), await teacher.export()];
    await teacher.close();
    const again = await createTeacher(model, { threads: 1, state });
    expect(again.examples).toHaveLength(12);
    expect(again.report).toBe(null);
    await again.train();
    expect(Buffer.from(await again.export()).equals(Buffer.from(file))).toBe(true);
    expect(await again.add("red", red(9))).toBe(13);
    await again.close();
    for (const wrong of [new Uint8Array(9), readFileSync(smallModel), state.slice(0, -4)]) {
      await expect(createTeacher(model, { state: wrong })).rejects.toMatchObject({ name: "ModelFormatError" });
    }
  });
});

test("the exported file has the backbone's tensors as they were, under torchvision's names", async () => {
  const teacher = await taught(smallModel);
  await teacher.train();
  const file = await teacher.export();
  await teacher.close();
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const { __metadata__, ...header } = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  for (const [name, tensor] of fixtureState("basic").tensors) {
    if (name.startsWith("fc.") || name.endsWith("num_batches_tracked")) continue;
    const {
      dtype,
      shape,
      data_offsets: [begin, end],
    } = header[name];
    expect({ dtype: dtype.toLowerCase(), shape }).toEqual({ dtype: tensor.dtype, shape: tensor.shape });
    expect(Buffer.from(file.subarray(8 + length + begin, 8 + length + end)).equals(Buffer.from(tensor.bytes))).toBe(
      true,
    );
  }
  expect(header["fc.weight"].shape[0]).toBe(2);
  const { labels, none, preprocess, taught: said } = JSON.parse(__metadata__["resnet-edge"]);
  expect(labels).toEqual(["red", "blue"]);
  expect(none).toMatchObject({ kind: "cosine", count: 2 });
  expect(preprocess.mean).toHaveLength(3);
  expect(said).toMatchObject({ backbone: "basic.safetensors", examples: [6, 6], accuracy: 1 });
});

test("a picture that lies opposite to all that was taught is none of the classes, and the threshold says so", async () => {
  const teacher = await taught(bundled);
  const { threshold } = await teacher.train();
  const near = await teacher.classify(red(2));
  expect(near.none!.threshold).toBe(threshold);
  expect(near.none!.score < 0.5).toBe(near.none!.nearness > threshold!);
  const photo = new URL("examples/photos/cat.jpg", root);
  const { predictions, none } = await teacher.classify(photo);
  expect(none!.refused).toBe(true);
  expect(none!.score).toBeGreaterThan(0.5);
  expect(predictions[0]).toEqual({ index: -1, label: "none of these", score: none!.score });
  const classifier = await library.loadClassifier(await teacher.export());
  const [first, ...rest] = await classifier.classify(photo);
  expect(first).toMatchObject({ index: -1, label: "none of these" });
  expect(rest.map(({ index }) => index).sort()).toEqual([0, 1]);
  expect(await classifier.classify(photo, { topK: 1 })).toHaveLength(1);
  await classifier.close();
  await teacher.close();
});

test("one class, no training, a label that cannot be, an example that is gone, an abort", async () => {
  const teacher = await createTeacher(smallModel, { threads: 1 });
  await expect(teacher.train()).rejects.toMatchObject({ name: "OptionError" });
  const first = await teacher.add("red", red(1));
  await expect(teacher.train()).rejects.toMatchObject({ name: "OptionError" });
  for (const label of ["", "none of these", 4 as never]) {
    await expect(teacher.add(label, red(1))).rejects.toMatchObject({ name: "OptionError" });
  }
  await expect(teacher.add("red", new Uint8Array(9))).rejects.toMatchObject({ name: "ImageDecodeError" });
  await teacher.add("blue", blue(1));
  await expect(teacher.classify(red(1))).rejects.toMatchObject({ name: "OptionError" });
  await expect(teacher.export()).rejects.toMatchObject({ name: "OptionError" });
  const report = await teacher.train();
  expect(report).toMatchObject({ accuracy: null, confusion: null, threshold: null, folds: 0 });
  expect(report.notes).toHaveLength(2);
  expect((await teacher.classify(red(1))).none).toBe(null);
  expect(teacher.remove(first)).toBe(true);
  expect(teacher.remove(first)).toBe(false);
  expect(teacher.report).toBe(null);
  for (const turn of [2, 3, 4]) {
    await teacher.add("red", red(turn));
    await teacher.add("blue", blue(turn));
  }
  const controller = new AbortController();
  const training = teacher.train({ signal: controller.signal, onProgress: () => controller.abort() });
  await expect(training).rejects.toMatchObject({ name: "AbortError" });
  await expect(teacher.evaluate({ green: [red(1)] })).rejects.toMatchObject({ name: "OptionError" });
  await teacher.train();
  await expect(teacher.evaluate({ green: [red(1)] })).rejects.toMatchObject({ name: "OptionError" });
  await expect(teacher.evaluate({})).rejects.toMatchObject({ name: "OptionError" });
  await teacher.close();
});

test("a file whose metadata of none cannot be is refused by name", async () => {
  const { smallModelWith } = await import("../api/small-model.js");
  const { writeNone } = await import("../../src/features/none.js");
  const good = { ...writeNone({ directions: [new Float32Array(3).fill(1)], threshold: 0, spread: 0.1 }) };
  for (const none of [
    good,
    4,
    { kind: "other" },
    { ...good, threshold: 2 },
    { ...good, spread: 0 },
    { ...good, directions: "*" },
  ]) {
    const classifier = await library.loadClassifier(await smallModelWith(5, { none }));
    await expect(classifier.classify(red(1))).rejects.toMatchObject({ name: "ModelFormatError" });
    await classifier.close();
  }
});

/** A state file with its header, or its values, changed. */
function changed(state: Uint8Array, edit: (header: Record<string, never>, text: { examples: never[] }) => unknown) {
  const length = Number(new DataView(state.buffer, state.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(state.subarray(8, 8 + length)));
  const text = JSON.parse(header.__metadata__["resnet-edge.examples"]);
  edit(header, text);
  header.__metadata__["resnet-edge.examples"] = JSON.stringify(text);
  const bytes = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + bytes.length + state.length - 8 - length);
  new DataView(file.buffer).setBigUint64(0, BigInt(bytes.length), true);
  file.set(bytes, 8);
  file.set(state.subarray(8 + length), 8 + bytes.length);
  return file;
}

test("a damaged state is refused by a typed error, and so is one of another backbone", {
  timeout: 120_000,
}, async () => {
  const teacher = await taught(smallModel);
  const state = teacher.save();
  await teacher.close();
  const notFinite = state.slice();
  new DataView(notFinite.buffer).setFloat32(notFinite.length - 4, Number.NaN, true);
  const first = (text: { examples: never[] }) => text.examples[0]! as { id: unknown; label: unknown };
  const wrong: Record<string, Uint8Array> = {
    "a value that is no number": notFinite,
    "an id twice": changed(state, (_, text) => Object.assign(first(text), { id: 2 })),
    "an id beyond all": changed(state, (_, text) => Object.assign(first(text), { id: Number.MAX_SAFE_INTEGER })),
    "a label that is none": changed(state, (_, text) => Object.assign(first(text), { label: "none of these" })),
    "an example that is null": changed(state, (_, text) => text.examples.splice(0, 1, null as never)),
    "an example too few": changed(state, (_, text) => text.examples.pop()),
    "no probe": changed(state, (header) => Object.assign(header, { other: header.probe, probe: undefined })),
    "examples that are no list": changed(state, (_, text) => Object.assign(text, { examples: 12 })),
    "views and lean exchanged": changed(state, (header) =>
      Object.assign(header, { views: header.lean, lean: header.views }),
    ),
  };
  const oneView = changed(state, (header) => {
    const lean = header.lean as unknown as { shape: [number, number] };
    const views = { ...lean, shape: [lean.shape[0], 1, lean.shape[1]] };
    Object.assign(header, { views, other: header.views, lean: undefined });
  });
  await expect(createTeacher(smallModel, { state: oneView })).rejects.toThrow("another number of views");
  for (const [what, bytes] of Object.entries(wrong)) {
    const refused = createTeacher(smallModel, { state: bytes });
    await expect(refused, what).rejects.toMatchObject({ name: "ModelFormatError" });
  }
  // Bytes that are turned over anywhere: refused by name, or read as they stand.
  const next = generator(4);
  for (let turn = 0; turn < 40; turn++) {
    const bytes = state.slice();
    const end = turn % 2 ? 1200 : bytes.length;
    for (let flip = 0; flip < 3; flip++) bytes[Math.floor(next() * end)]! ^= 1 << Math.floor(8 * next());
    const opened = await createTeacher(smallModel, { state: bytes, worker: false }).catch((error: Error) => error);
    if (opened instanceof Error) expect(opened.name).toMatch(/^(ModelFormat|UnsupportedModel)Error$/);
    else await opened.close();
  }
  // As many features, and another network; the same network, and pictures prepared otherwise.
  const { smallModelWith } = await import("../api/small-model.js");
  const otherwise = await smallModelWith(5, {
    preprocess: { resize: 64, crop: 64, mean: [0.1, 0.9, 0.1], std: [0.9, 0.1, 0.9] },
  });
  await expect(createTeacher(otherwise, { state })).rejects.toThrow("of another backbone");
});

test("a state of another classifier on the same backbone keeps its examples, and drops what that classifier said of them", async () => {
  const teacher = await taught(smallModel);
  await teacher.train();
  const [state, file] = [teacher.save(), await teacher.export()];
  await teacher.close();
  const tensorsOf = (bytes: Uint8Array) => [...readSafetensors(bytes, "state").tensors.keys()].sort();
  expect(tensorsOf(state)).toEqual(["lean", "probe", "probe_lean", "views"]);
  const same = await createTeacher(smallModel, { threads: 1, state });
  expect(same.save()).toEqual(state);
  await same.close();
  const other = await createTeacher(file, { threads: 1, state });
  expect(other.examples).toHaveLength(12);
  expect(tensorsOf(other.save())).toEqual(["probe", "views"]);
  await other.add("red", red(9));
  expect((await other.train()).examples).toEqual([7, 6]);
  await other.close();
});

test("no examples are a state too", async () => {
  const teacher = await createTeacher(smallModel, { threads: 1 });
  const state = teacher.save();
  await teacher.close();
  const again = await createTeacher(smallModel, { threads: 1, state });
  expect(again.examples).toEqual([]);
  expect(await again.add("red", red(1))).toBe(1);
  await again.close();
});

test("the same picture in two classes is either of them, and no number is lost", async () => {
  const teacher = await createTeacher(smallModel, { threads: 1 });
  for (const label of ["one", "other"]) for (let copy = 0; copy < 3; copy++) await teacher.add(label, red(1));
  const report = await teacher.train();
  expect(report.accuracy! >= 0 && report.accuracy! <= 0.5).toBe(true);
  const { predictions } = await teacher.classify(red(1));
  for (const { score, index } of predictions) if (index >= 0) expect(score).toBeCloseTo(0.5, 3);
  expect(Number.isFinite(report.threshold)).toBe(true);
  await library.loadClassifier(await teacher.export()).then((it) => it.close());
  await teacher.close();
});

test("many classes with one example each, beside one with many", async () => {
  const teacher = await createTeacher(smallModel, { threads: 1 });
  for (let turn = 0; turn < 8; turn++) await teacher.add("red", red(turn));
  for (let turn = 0; turn < 5; turn++) await teacher.add(`blue ${turn}`, stripes([10, 40 * turn, 230], turn));
  const report = await teacher.train();
  expect(report).toMatchObject({ accuracy: null, interval: null, folds: 0, examples: [8, 1, 1, 1, 1, 1] });
  expect(report.notes[0]).toContain("blue 0");
  const { predictions } = await teacher.classify(red(3), { topK: 9 });
  expect(predictions.find(({ index }) => index >= 0)!.label).toBe("red");
  expect(predictions.every(({ score }) => Number.isFinite(score))).toBe(true);
  await teacher.close();
});

test("what changes while it is learned is told; close, aborts before anything began", async () => {
  const teacher = await taught(smallModel);
  const removed = teacher.train({ onProgress: () => teacher.remove(1) });
  await expect(removed).rejects.toMatchObject({ name: "OptionError" });
  expect([teacher.report, teacher.examples.length]).toEqual([null, 11]);
  // Another training follows, and knows nothing of what was removed.
  expect(await teacher.train()).toMatchObject({ labels: ["blue", "red"], examples: [6, 5] });
  const signal = AbortSignal.abort();
  await expect(teacher.add("red", red(1), { signal })).rejects.toMatchObject({ name: "AbortError" });
  await expect(teacher.train({ signal })).rejects.toMatchObject({ name: "AbortError" });
  await expect(teacher.classify(red(1), { signal })).rejects.toMatchObject({ name: "AbortError" });
  // What was learned before is still there.
  expect(teacher.report).toMatchObject({ examples: [6, 5] });
  for (const images of [null, 4, { red: 4 }, { red: "picture" }]) {
    await expect(teacher.evaluate(images as never)).rejects.toMatchObject({ name: "OptionError" });
  }
  const closed = teacher.train({ onProgress: () => void teacher.close() });
  await expect(closed).rejects.toMatchObject({ name: "ClosedError" });
  await expect(teacher.add("red", red(1))).rejects.toMatchObject({ name: "ClosedError" });
});

test("1,000 examples of ten classes are learned while the caller's thread has its turns", {
  timeout: 120_000,
}, async () => {
  const features = 512;
  const next = generator(7);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const centres = Array.from({ length: 10 }, () => Float32Array.from({ length: features }, () => Math.abs(normal())));
  const samples = Array.from({ length: 1000 }, (_, index) => {
    const centre = centres[index % 10]!;
    const view = () => centre.map((value) => Math.max(0, value + 0.8 * normal()));
    const views = new Float32Array(6 * features);
    for (let at = 0; at < 6; at++) views.set(view(), at * features);
    return { id: index + 1, label: `${index % 10}`, class: index % 10, views, lean: centre.map((it) => it + normal()) };
  });
  let [longest, last, turns] = [0, performance.now(), 0];
  const clock = setInterval(() => {
    const now = performance.now();
    [longest, last] = [Math.max(longest, now - last), now];
    turns++;
  }, 1);
  const begun = performance.now();
  const labels = centres.map((_, k) => `${k}`);
  const { report } = await train(samples, labels, features, {});
  clearInterval(clock);
  const all = performance.now() - begun;
  expect(report.accuracy).toBeGreaterThan(0.95);
  expect(turns).toBeGreaterThan(5);
  // The longest wait is one of eleven fits, three solutions in the long ones; all of them together would be the whole.
  expect(longest).toBeLessThan(all / 3);
});
