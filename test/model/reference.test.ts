import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Op, ValueShape } from "../../src/graph/network.js";
import { runOp } from "./reference.js";

interface Case {
  readonly op: { readonly kind: string };
  readonly inputShape: readonly [number, number, number];
  readonly outputShape: readonly [number, number, number];
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly weight?: readonly number[];
  readonly bias?: readonly number[];
}

const cases: readonly Case[] = JSON.parse(
  readFileSync(new URL("../fixtures/networks/operations.json", import.meta.url), "utf8"),
);

const shape = ([channels, height, width]: Case["inputShape"]): ValueShape => ({ height, width, channels });

test.each(cases)("PyTorch's $op.kind from $inputShape to $outputShape", (fixture) => {
  const { op, weight, bias, input, output } = fixture;
  const values = Float32Array.from(weight ?? []);
  const rows = fixture.outputShape[0];
  const learned = weight && {
    weight: { shape: [rows, values.length / rows], read: (_: number, __: number, to: Float32Array) => to.set(values) },
    bias: { length: bias!.length, read: () => Float64Array.from(bias!) },
    relu: false,
  };
  // PyTorch pads both ends of an axis alike.
  const { padding = [] } = op as { padding?: readonly number[] };
  const placed = {
    ...op,
    ...learned,
    padding: [...padding, ...padding],
    name: "op",
    inputs: [0],
    output: 1,
  } as unknown as Op;
  const actual = runOp(
    placed,
    () => Float64Array.from(input),
    (id) => shape(id === 0 ? fixture.inputShape : fixture.outputShape),
  );
  expect(actual).toHaveLength(output.length);
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(output[i]!, 10);
  });
});
