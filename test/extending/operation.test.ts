import { expect, test } from "vitest";
import { compile } from "../../src/gpu/program.js";
import { hardwareTiling } from "../../src/gpu/tiles.js";
import { elementwise, kernel } from "../../src/gpu/wgsl/shader.js";
import type { Graph, Op, ValueShape } from "../../src/graph/network.js";
import { engineFor } from "../cpu/engine.js";
import { conv, values, vectorOf, weightOf } from "../cpu/one-operation.js";
import { runReference } from "../model/reference.js";

// The parts of docs/extending.md's first recipe that can be had from outside: operations put together to a graph by hand, and a shader.

const image: ValueShape = { height: 12, width: 12, channels: 3 };
const map: ValueShape = { height: 12, width: 12, channels: 8 };
const half: ValueShape = { height: 6, width: 6, channels: 8 };
const vector: ValueShape = { height: 1, width: 1, channels: 8 };

/** A convolution, a blur beside a max-pool, their sum, and a head. */
const ops: readonly Op[] = [
  conv({ name: "conv", inputs: [0], output: 1, weight: weightOf([8, 3, 3, 3]), padding: [1, 1, 1, 1], relu: true }),
  { kind: "blurPool", name: "blur", inputs: [1], output: 2, stride: 2 },
  { kind: "maxPool", name: "pool", inputs: [1], output: 3, kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] },
  { kind: "add", name: "sum", inputs: [2, 3], output: 4, relu: false },
  { kind: "globalAveragePool", name: "mean", inputs: [4], output: 5 },
  { kind: "linear", name: "fc", inputs: [5], output: 6, weight: weightOf([5, 8]), bias: vectorOf(5), relu: false },
  { kind: "softmax", name: "softmax", inputs: [6], output: 7 },
];

const logits: ValueShape = { ...vector, channels: 5 };
const graph: Graph = {
  values: [image, map, half, half, half, vector, logits, logits],
  stages: [
    { name: "body", input: 0, output: 4, ops: ops.slice(0, 4) },
    { name: "head", input: 4, output: 7, ops: ops.slice(4) },
  ],
  input: 0,
  output: 7,
};

test("a graph of operations by hand runs on the CPU as plain loops compute it", async () => {
  const input = values(3 * 12 * 12);
  const engine = await engineFor(graph);
  const got = (await engine.run(0, 1, input)).slice();
  await engine.close();
  const expected = runReference(graph, input);
  expect(got).toHaveLength(5);
  for (const [at, value] of expected.entries()) expect(Math.abs(got[at]! - value)).toBeLessThan(1e-6);
});

test("and is a list of dispatches for the GPU", () => {
  const { stages } = compile(graph, { storage: "f32", tiling: hardwareTiling });
  const named = stages.flatMap(({ steps }) => steps.map((step) => step.name));
  expect(new Set(named.map((name) => name.replace(" reduce", "")))).toEqual(new Set(ops.map(({ name }) => name)));
});

test("a shader of an operation of one's own comes from the template", () => {
  const { index, ...threads } = elementwise(100);
  const square = kernel({
    name: "square",
    storage: "f32",
    constants: { COUNT: 100, HEAD: 32 },
    buffers: { src: "Vector", dst: "Vector" },
    ...threads,
    body: `${index}
      dst[HEAD + index] = src[HEAD + index] * src[HEAD + index];`,
  });
  expect(square).toMatchObject({ name: "f32_square", workgroups: [2, 1, 1] });
  expect(square.code).toContain("@binding(1) var<storage, read_write> dst: array<Vector>;");
});
