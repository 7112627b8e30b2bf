import { expect, test } from "vitest";
import { Field } from "../../assembly/shared/record.js";
import { compile } from "../../src/cpu/lower/compile.js";
import { explain } from "../../src/cpu/program/explain.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";

const options = { memory: "fast", convolution: "auto", threads: 1 } as const;

test("every word of a record has a name", () => {
  for (let field = 0; field < Field.size; field++) expect(Field[field], `word ${field}`).toMatch(/^[a-z]/i);
});

test("ResNet-20's records", () => {
  expect(explain(compile(pseudoRandomNetwork("resnet20-cifar"), options))).toMatchSnapshot();
});

test("the records of ResNet-18's second stage", () => {
  const program = compile(pseudoRandomNetwork("resnet18"), options);
  const lines = explain(program).split("\n");
  expect(lines.filter((line) => line.startsWith("2 "))).toMatchSnapshot();
});
