import { describe, expect, test } from "vitest";
import { parseLabels } from "../../examples/kiosk/labels.js";
import { Results } from "../../examples/kiosk/results.js";
import { faceOf, keyOf, type Situation, type State, spoken, stateOf, states } from "../../examples/kiosk/states.js";
import { Steady } from "../../examples/kiosk/steady.js";
import { fieldsOf } from "../../src/cli/archive/csv.js";

const answer = (score: number, index = 3, label = "cat") => [
  { index, label, score },
  { index: 5, label: "dog", score: (1 - score) / 2 },
];

const running: Situation = {
  mode: "camera",
  model: "ready",
  camera: "live",
  pictureFailed: false,
  answer: answer(0.9),
  sureFrom: 0.5,
  classes: 10,
  paused: false,
};

const rows: readonly (readonly [State, Partial<Situation>])[] = [
  ["loading", { model: "loading", answer: null }],
  ["loading", { model: "loading", answer: null, camera: "opening" }],
  ["offline", { model: "missing", camera: "denied" }],
  ["model-failed", { model: "failed", mode: "pictures" }],
  ["asking", { camera: "asking", answer: null }],
  ["asking", { camera: "asking", model: "loading", answer: null }],
  ["denied", { camera: "denied", model: "loading" }],
  ["no-camera", { camera: "missing" }],
  ["camera-lost", { camera: "lost" }],
  ["starting", { camera: "opening", answer: null }],
  ["starting", { answer: [] }],
  ["sure", {}],
  ["sure", { answer: answer(0.5) }],
  ["unsure", { answer: answer(0.499) }],
  ["unsure", { mode: "pictures", camera: "off", answer: answer(0.1) }],
  ["none", { answer: answer(0.8, -1, "none of these") }],
  ["none", { mode: "pictures", answer: answer(0.51, -1, "none of these") }],
  ["picture", { mode: "pictures", camera: "off" }],
  ["picture", { mode: "pictures", camera: "denied" }],
  ["picture-failed", { mode: "pictures", pictureFailed: true, answer: null }],
  ["teaching", { mode: "teach", camera: "denied", model: "failed" }],
];

describe("a kiosk's states", () => {
  test.each(rows)("%s: %j", (state, part) => {
    const situation = { ...running, ...part };
    expect(stateOf(situation)).toBe(state);
    const face = faceOf(situation);
    expect(face.state).toBe(state);
    expect(face.heading).not.toBe("");
    expect(spoken(face, situation.answer)).not.toMatch(/undefined|NaN/);
  });

  test("there are fourteen, and each is reached", () => {
    expect(states).toHaveLength(14);
    expect(new Set(rows.map(([state]) => state))).toEqual(new Set(states));
  });

  test("each that is no answer says what is the matter, in words of its own", () => {
    const faces = rows.map(([, part]) => faceOf({ ...running, ...part }));
    const said = new Map(faces.filter(({ words }) => words !== "").map((face) => [face.state, face.words]));
    expect(said.size).toBe(states.length - 2);
    expect(new Set(said.values()).size).toBe(said.size);
  });

  test("an answer's words, and that it is paused", () => {
    expect(faceOf(running)).toMatchObject({ eyebrow: "I see", heading: "cat", words: "" });
    expect(faceOf({ ...running, paused: true })).toMatchObject({ eyebrow: "Paused", heading: "cat" });
    const unsure = { ...running, answer: answer(0.4) };
    expect(faceOf(unsure)).toMatchObject({ heading: "cat?", words: "I am not sure. It could be dog as well." });
    expect(spoken(faceOf(unsure), unsure.answer)).toBe("perhaps cat, 40 percent");
    expect(faceOf({ ...running, answer: answer(0.9, -1) }).words).toBe("This is unlike the 10 things that I know.");
  });

  test("another score of the same class is nothing new to be said; another picture is", () => {
    const key = (part: Partial<Situation>, picture = "") => {
      const situation = { ...running, ...part };
      return keyOf(faceOf(situation), situation.answer, picture);
    };
    expect(key({})).toBe(key({ answer: answer(0.3) }));
    expect(key({})).not.toBe(key({ answer: answer(0.9, 4, "cow") }));
    expect(key({}, "1.1")).not.toBe(key({}, "1.2"));
    // The same place in what was chosen next.
    expect(key({}, "1.1")).not.toBe(key({}, "2.1"));
    expect(key({ camera: "lost" })).toBe("camera-lost");
  });
});

test("what flickers is not told; what stands is told once, and again only after something else", () => {
  const steady = new Steady(700);
  expect(steady.tells("a", 0)).toBe(false);
  expect(steady.tells("a", 699)).toBe(false);
  expect(steady.tells("b", 750)).toBe(false);
  expect(steady.tells("a", 800)).toBe(false);
  expect(steady.tells("a", 1499)).toBe(false);
  expect(steady.tells("a", 1500)).toBe(true);
  expect(steady.tells("a", 5000)).toBe(false);
  expect(steady.tells("b", 5001)).toBe(false);
  expect(steady.tells("a", 5002)).toBe(false);
  expect(steady.tells("a", 9000)).toBe(false);
  expect(steady.tells("b", 9001)).toBe(false);
  expect(steady.tells("b", 9701)).toBe(true);
  expect(steady.tells("a", 9800)).toBe(false);
  expect(steady.tells("a", 10_500)).toBe(true);
});

describe("results", () => {
  const result = (label: string, source = "camera") => ({
    time: new Date("2026-01-02T03:04:05.678Z"),
    source,
    label,
    score: 0.12345,
    kind: "sure" as const,
    model: 'a "model", mine',
  });

  test("as CSV, which another reader reads back", () => {
    const results = new Results();
    results.add(result("two\nlines"));
    const text = results.csv();
    expect(text.startsWith("time,source,label,score,kind,model\r\n")).toBe(true);
    const record = text.slice(text.indexOf("\r\n") + 2, -2);
    expect(fieldsOf(record)).toEqual([
      "2026-01-02T03:04:05.678Z",
      "camera",
      "two\nlines",
      "0.1235",
      "sure",
      'a "model", mine',
    ]);
  });

  test.each(["=1+1", "+1", "-1", "@x", "\tx"])("a label that a spreadsheet would compute is text: %j", (label) => {
    const results = new Results();
    results.add(result(label, label));
    expect(results.csv().split("\r\n")[1]).toContain(`,'${label},'${label},`);
  });

  test("the last ones stay, the oldest of them first", () => {
    const results = new Results(3);
    for (const label of ["a", "b", "c", "d", "e"]) results.add(result(label));
    expect(results.count).toBe(3);
    const labels = results.csv().trim().split("\r\n").slice(1);
    expect(labels.map((line) => line.split(",")[2])).toEqual(["c", "d", "e"]);
    results.clear();
    expect(results.count).toBe(0);
  });
});

describe("a text file of labels", () => {
  test.each(["a\nb b\nc", "\uFEFFa\r\nb b\r\nc\r\n", "a\r b b \r\r\nc\n\n"])("%j", (text) => {
    expect(parseLabels(text, "x.txt")).toEqual(["a", "b b", "c"]);
  });

  test.each(["", "\n \n", "\uFEFF"])("%j says what to write", (text) => {
    expect(() => parseLabels(text, "x.txt")).toThrow("x.txt has no labels: write one a line");
  });

  test("that is no text", () => {
    expect(() => parseLabels("PK\0\u0001", "x.txt")).toThrow("x.txt is no text");
  });
});
