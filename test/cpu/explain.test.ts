import { expect, test } from "vitest";
import * as layout from "../../assembly/shared/record.js";
import { compile } from "../../src/cpu/lower/compile.js";
import { explain } from "../../src/cpu/program/explain.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";

const options = { memory: "fast", convolution: "auto", threads: 1 } as const;

const { Field } = layout;
const wordsOf = (names: object) =>
  Object.entries(names).filter((entry): entry is [string, number] => Number.isNaN(+entry[0]));
const families = Object.entries(layout).filter(([name]) => name.endsWith("Field") && name !== "Field");

test("every word of a head has a name", () => {
  const words = wordsOf(Field).filter(([name]) => name !== "size");
  expect(words.map(([, word]) => word)).toEqual(words.map((_, at) => at));
});

test("words of families lie behind the head, within the record, and have one name and place each", () => {
  expect(families.length).toBe(10);
  const places = new Map<string, number>();
  for (const [family, names] of families) {
    const words = wordsOf(names);
    expect(new Set(words.map(([, word]) => word)).size, family).toBe(words.length);
    for (const [name, word] of words) {
      expect(word, `${family}.${name}`).toBeGreaterThan(Field.firstBytes);
      expect(word, `${family}.${name}`).toBeLessThan(Field.size);
      expect(places.get(name) ?? word, `${family}.${name}`).toBe(word);
      places.set(name, word);
    }
  }
});

test("no record has a word without a name", () => {
  for (const name of ["resnet20-cifar", "resnet50", "resnext50_32x4d"] as const) {
    for (const threads of [1, 4]) {
      expect(explain(compile(pseudoRandomNetwork(name), { ...options, threads }))).not.toMatch(/word \d/);
    }
  }
});

test("ResNet-20's records", () => {
  expect(explain(compile(pseudoRandomNetwork("resnet20-cifar"), options))).toMatchSnapshot();
});

test("the records of ResNet-18's second stage", () => {
  const program = compile(pseudoRandomNetwork("resnet18"), options);
  const lines = explain(program).split("\n");
  expect(lines.filter((line) => line.startsWith("2 "))).toMatchSnapshot();
});
