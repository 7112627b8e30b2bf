import { expect, test } from "vitest";
import { checkFields, nearest } from "../../src/base/nearest.js";
import { library, smallModel } from "../built.js";

const { loadModel, loadClassifier } = library;
const known = ["device", "labels", "inputSize", "architecture", "topK"];

test.each([
  ["lables", "labels"],
  ["input_size", "inputSize"],
  ["InputSize", "inputSize"],
  ["top-k", "topK"],
  ["arch", "architecture"],
  ["divice", "device"],
  ["__proto__", null],
  ["colour", null],
  ["x".repeat(1e6), null],
])("nearest: %.20s is %s", (word, meant) => {
  expect(nearest(word, known)).toBe(meant);
});

test("a field that is not known is named with the nearest one; undefined states nothing", () => {
  expect(() => checkFields({ lables: 1 }, known, "load option")).toThrow(
    'There is no load option "lables"; did you mean "labels"?',
  );
  expect(() => checkFields({ zzz: 1 }, ["a", "b"], "load option")).toThrow(
    'There is no load option "zzz"; known: a, b.',
  );
  expect(() => checkFields({ lables: undefined }, known, "load option")).not.toThrow();
  for (const given of [null, "cpu", 3]) expect(() => checkFields(given, known, "load option")).toThrow(/an object/);
});

test("unknown options of every call are OptionErrors", async () => {
  const refused = (message: RegExp) => ({ name: "OptionError", message: expect.stringMatching(message) });
  const loads = [loadModel, loadClassifier] as ((source: URL, options: object) => Promise<never>)[];
  for (const load of loads) {
    await expect(load(smallModel, { lables: [] })).rejects.toMatchObject(refused(/"lables"; did you mean "labels"/));
    await expect(load(smallModel, { preprocess: { standard: [1, 1, 1] } })).rejects.toMatchObject(
      refused(/preprocess option "standard"/),
    );
  }
  const classifier = await loadClassifier();
  const image = { data: new Uint8Array(3 * 32 * 32), width: 32, height: 32 };
  for (const worker of [classifier, await loadClassifier(undefined, { worker: false })]) {
    await expect(worker.classify(image, { allow_list: ["cat"] } as never)).rejects.toMatchObject(refused(/allow_list/));
    await expect(worker.classify(image, { top_k: 3 } as never)).rejects.toMatchObject(refused(/"topK"/));
    await expect(worker.classify(image, 1 as never)).rejects.toMatchObject(refused(/object/));
    await worker.close();
  }
  const model = await loadModel(smallModel);
  await expect(model.run(new Float32Array(3), { singal: null } as never)).rejects.toMatchObject(refused(/"signal"/));
  await model.close();
});
