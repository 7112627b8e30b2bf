import { expect, test } from "vitest";
import type { Network } from "../../src/graph/network.js";
import { readOther } from "../../src/model/onnx/index.js";
import { answersOf } from "./suite.js";
import { chain, model, tensor } from "./write.js";

const build = async (bytes: Uint8Array) => (await readOther(bytes, "the graph", {})).build!({ inputs: {} }) as Network;

const numbers = (shape: readonly number[], step: number) =>
  Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, (_, at) =>
    Math.fround(Math.sin(at * step)),
  );

/** numpy's matmul by plain loops, over indices of the result. */
function matmul(
  a: readonly number[],
  left: readonly number[],
  b: readonly number[],
  right: readonly number[],
): number[] {
  const one = left.length === 1 ? [1, ...left] : [...left];
  const other = right.length === 1 ? [...right, 1] : [...right];
  const rank = Math.max(one.length, other.length);
  while (one.length < rank) one.unshift(1);
  while (other.length < rank) other.unshift(1);
  const batch = one.slice(0, -2).map((extent, at) => Math.max(extent, other[at]!));
  const [rows, depth, columns] = [one[rank - 2]!, one[rank - 1]!, other[rank - 1]!];
  const count = batch.reduce((product, extent) => product * extent, 1);
  const place = (index: number, shape: readonly number[]) => {
    let [at, rest, stride] = [0, index, 1];
    for (let axis = batch.length - 1; axis >= 0; axis--) {
      const here = rest % batch[axis]!;
      rest = Math.floor(rest / batch[axis]!);
      if (shape[axis] !== 1) at += here * stride;
      stride *= shape[axis]!;
    }
    return at;
  };
  const result: number[] = [];
  for (let index = 0; index < count; index++) {
    const [first, second] = [place(index, one) * rows * depth, place(index, other) * depth * columns];
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let at = 0; at < depth; at++) sum += a[first + row * depth + at]! * b[second + at * columns + column]!;
        result.push(sum);
      }
  }
  return result;
}

test.each([
  [[2, 3, 4], [2, 4, 5], "first"],
  [[1, 2, 3, 4], [1, 2, 4, 3], "first"],
  [[3, 1, 2, 4], [2, 4, 3], "first"],
  [[3, 4], [2, 4, 5], "first"],
  [[4], [3, 4, 2], "first"],
  [[3, 2, 4], [4], "second"],
  [[2, 3, 4], [2, 4, 5], "second"],
  [[2, 3, 4], [4, 5], "second"],
] as const)(
  "MatMul of [%s] by [%s], of which the %s is computed, has a product for each matrix",
  async (left, right, which) => {
    const [a, b] = [numbers(left, 1), numbers(right, 2)];
    const isFirst = which === "first";
    const network = await build(
      model({
        nodes: [{ kind: "MatMul", inputs: isFirst ? ["x", "c"] : ["c", "x"], outputs: ["y"] }],
        input: isFirst ? left : right,
        output: [1],
        tensors: [isFirst ? tensor("c", right, b) : tensor("c", left, a)],
      }),
    );
    const found = answersOf(network, Float64Array.from(isFirst ? a : b));
    const wanted = matmul(a, left, b, right);
    expect(found.length).toBe(wanted.length);
    for (const [at, value] of wanted.entries()) expect(found[at]).toBeCloseTo(value, 6);
  },
);

test("what LpNormalization finds to be all zeros stays so", async () => {
  const graph = model({ nodes: chain(["LpNormalization", [], { axis: 1, p: 2 }]), input: [2, 2], output: [2, 2] });
  const found = answersOf(await build(graph), Float64Array.of(3, 4, 0, 0));
  for (const [at, value] of [0.6, 0.8, 0, 0].entries()) expect(found[at]).toBeCloseTo(value, 6);
});

const truth = (name: string, value: number) => tensor(name, [], Uint8Array.of(value), 9);

test("Dropout in training mode is refused, but where it drops nothing", async () => {
  const dropout = (ratio: number, training: number) =>
    build(
      model({
        nodes: chain(["Dropout", ["ratio", "training"]], ["Relu"]),
        tensors: [tensor("ratio", [], [ratio]), truth("training", training)],
      }),
    );
  await expect(dropout(0.5, 1)).rejects.toThrow("Node 0 (Dropout): it is in training mode.");
  const input = Float64Array.of(1, 2, 3, 4);
  expect(answersOf(await dropout(0.5, 0), input)).toEqual([...input]);
  expect(answersOf(await dropout(0, 1), input)).toEqual([...input]);
});

test.each([
  ["Gather", "c", "x", /^Node 0 \(Gather\): its input 0 is a constant, and another one is not\.$/],
  ["Slice", "c", "x", /^Node 0 \(Slice\): its input 0 is a constant/],
  ["Reshape", "c", "x", /^Node 0 \(Reshape\): its input 0 is a constant/],
  ["Split", "c", "x", /^Node 0 \(Split\): its input 0 is a constant/],
  ["DequantizeLinear", "c", "x", /^Node 0 \(DequantizeLinear\): its input 0 is a constant/],
] as const)("%s of a constant, by what is computed, is refused by name", async (kind, first, second, message) => {
  const nodes = [{ kind, inputs: [first, second], outputs: ["y"] }];
  await expect(build(model({ nodes, tensors: [tensor("c", [2, 2], [1, 2, 3, 4])] }))).rejects.toThrow(message);
});

test("a scale for each block of an axis is refused as such", async () => {
  const nodes = chain(["QuantizeLinear", ["scales"], { axis: 1, block_size: 2 }]);
  const graph = model({ nodes, input: [2, 4], tensors: [tensor("scales", [2, 2], [1, 1, 1, 1])], version: 21 });
  await expect(build(graph)).rejects.toThrow(/Node 0 \(QuantizeLinear\): it has a scale for each block of an axis/);
});

test.each([
  ["a column", [1, 2, 3, 4], "flip"],
  ["a row", [1, 2, 4, 3], "row"],
] as const)("MatMul of two computed values, of which one is %s, is a weighted sum", async (_, shape, kind) => {
  // The second value: of each column (or row) the sum, so that both are computed.
  const axis = kind === "row" ? 3 : 2;
  const nodes = [
    { kind: "ReduceSum", inputs: ["x", "axes"], outputs: ["s"] },
    { kind: "Transpose", inputs: ["s"], outputs: ["t"], attributes: { perm: [0, 1, 3, 2] } },
    { kind: "MatMul", inputs: kind === "row" ? ["t", "x"] : ["x", "t"], outputs: ["y"] },
  ];
  const [, channels, rows, columns] = shape;
  const graph = model({ nodes, input: shape, output: [1], tensors: [tensor("axes", [1], [axis], 7)] });
  const x = Float64Array.from(numbers(shape, 3));
  const found = answersOf(await build(graph), x);
  const at = (c: number, row: number, column: number) => x[(c * rows + row) * columns + column]!;
  const sum = (count: number, of: (index: number) => number) =>
    Array.from({ length: count }, (_, index) => of(index)).reduce((a, b) => a + b);
  const wanted = Array.from({ length: channels }, (_, c) => {
    const overRows = (column: number) => sum(rows, (row) => at(c, row, column));
    const overColumns = (row: number) => sum(columns, (column) => at(c, row, column));
    return kind === "row"
      ? Array.from({ length: columns }, (_, column) => sum(rows, (row) => overColumns(row) * at(c, row, column)))
      : Array.from({ length: rows }, (_, row) => sum(columns, (column) => at(c, row, column) * overRows(column)));
  }).flat();
  expect(found.length).toBe(wanted.length);
  for (const [index, value] of wanted.entries()) expect(found[index]).toBeCloseTo(value, 5);
});

test("weights that a BatchNormalization in training mode standardises are constants", async () => {
  const [out, depth] = [3, 5];
  const weights = numbers([1, out, depth], 7);
  const [gain, shift] = [
    [2, 0.5, -1],
    [0.1, 0, -0.2],
  ];
  const graph = model({
    nodes: [
      {
        kind: "BatchNormalization",
        inputs: ["w", "g", "b", "zeros", "ones"],
        outputs: ["n"],
        attributes: { training_mode: 1 },
      },
      { kind: "Reshape", inputs: ["n", "shape"], outputs: ["k"] },
      { kind: "Conv", inputs: ["x", "k"], outputs: ["y"] },
    ],
    input: [1, depth, 1, 2],
    output: [1, out, 1, 2],
    tensors: [
      tensor("w", [1, out, depth], weights),
      tensor("g", [out], gain),
      tensor("b", [out], shift),
      tensor("zeros", [out], [0, 0, 0]),
      tensor("ones", [out], [1, 1, 1]),
      tensor("shape", [4], [out, depth, 1, 1], 7),
    ],
  });
  const x = Float64Array.from(numbers([depth, 2], 2));
  const found = answersOf(await build(graph), x);
  for (let row = 0; row < out; row++) {
    const values = weights.slice(row * depth, (row + 1) * depth);
    const mean = values.reduce((a, b) => a + b) / depth;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / depth;
    const standard = values.map((value) => ((value - mean) / Math.sqrt(variance + 1e-5)) * gain[row]! + shift[row]!);
    for (let column = 0; column < 2; column++) {
      const wanted = standard.reduce((sum, value, at) => sum + value * x[at * 2 + column]!, 0);
      expect(found[row * 2 + column]).toBeCloseTo(wanted, 5);
    }
  }
});
