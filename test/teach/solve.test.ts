import { expect, test } from "vitest";
import { type Rows, solve } from "../../src/teach/solve.js";
import { generator } from "../random.js";

function rowsOf(count: number, width: number, classes: number): Rows {
  const next = generator(count * width);
  return {
    ...{ count, width },
    values: Float64Array.from({ length: count * width }, () => 2 * next() - 1),
    classes: Int32Array.from({ length: count }, (_, row) => row % classes),
    weights: Float64Array.from({ length: count }, (_, row) => 0.5 + (row % 3)),
  };
}

/** The gradient of the penalised loss by central differences of plain loops. */
function slope(rows: Rows, strength: number, weights: Float64Array, biases: Float64Array): number {
  const loss = (w: Float64Array, b: Float64Array) => {
    let sum = (strength / 2) * w.reduce((all, it) => all + it * it, 0);
    for (let row = 0; row < rows.count; row++) {
      const logits = Array.from(b, (bias, k) => {
        let logit = bias;
        for (let at = 0; at < rows.width; at++) logit += w[k * rows.width + at]! * rows.values[row * rows.width + at]!;
        return logit;
      });
      const own = logits[rows.classes[row]!]!;
      sum += rows.weights[row]! * (Math.log(logits.reduce((all, it) => all + Math.exp(it), 0)) - own);
    }
    return sum;
  };
  let worst = 0;
  for (const values of [weights, biases]) {
    for (let at = 0; at < values.length; at++) {
      const kept = values[at]!;
      values[at] = kept + 1e-5;
      const more = loss(weights, biases);
      values[at] = kept - 1e-5;
      const less = loss(weights, biases);
      values[at] = kept;
      worst = Math.max(worst, Math.abs(more - less) / 2e-5);
    }
  }
  return worst;
}

test.each([
  [40, 6, 3, "more rows than values"],
  [8, 20, 2, "fewer"],
])("%i rows of %i in %i classes: the gradient of the loss is zero at the solution", (count, width, classes) => {
  const rows = rowsOf(count, width, classes);
  for (const [index, solution] of solve(rows, classes, [1, 0.1]).entries()) {
    const total = rows.weights.reduce((sum, it) => sum + it, 0);
    const { weights, biases } = solution;
    expect(slope(rows, [1, 0.1][index]!, weights, biases) / total).toBeLessThan(2e-5);
  }
});

test("rows that are equal, and classes that nothing tells apart, have a finite solution", () => {
  const values = new Float64Array(4 * 9).fill(0.5);
  const rows = { values, count: 4, width: 9, classes: Int32Array.of(0, 1, 0, 1), weights: new Float64Array(4).fill(1) };
  const [solution] = solve(rows, 2, [0.1]);
  for (const value of [...solution!.weights, ...solution!.biases]) expect(Math.abs(value)).toBeLessThan(1e-3);
});
