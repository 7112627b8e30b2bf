// The text of the depthwise kernels, which differ in window, stride and width: for scripts/tiles.mjs.

/** Windows, strides and output columns that go together. Sides of images are often multiples of seven. */
const strips = [3, 5].flatMap((kernel) =>
  [1, 2].flatMap((stride) => [7, 4].map((columns) => ({ kernel, stride, columns }))),
);

const each = (count, of) => Array.from({ length: count }, (_, index) => of(index)).flat();
const indent = (depth, lines) => lines.map((line) => "  ".repeat(depth) + line);
const offset = (bytes) => (bytes === 0 ? "" : `, ${bytes}`);

const head = `import { madd } from "../base/simd";

/**
 * One row of a strip of output columns, all channels, four at a time: sums stay in registers, each input vector is loaded once a row of
 * the window, and each weight once a strip.
 *
 * \`line\` is where the window's first row in the image begins, in the strip's first input column; \`rows\` of its rows are in the image.
 * \`left\` and \`right\` of the strip's input columns are not. Weights are [channels / 4][taps][4], and begin with that first
 * row. Output columns are \`toStep\` bytes apart.
 */`;

function bodyOf({ kernel, stride, columns }) {
  const inputs = stride * (columns - 1) + kernel;
  const most = kernel >> 1;
  /** The products of one input column: with each output column whose window it is in. */
  const products = (column) => [
    `const x = v128.load(at);`,
    ...each(columns, (out) => {
      const tap = column - stride * out;
      return tap < 0 || tap >= kernel ? [] : `s${out} = madd(x, w${tap}, s${out});`;
    }),
  ];
  const guarded = (column) => {
    const isThere = column < most ? `left <= ${column}` : column >= inputs - most ? `right < ${inputs - column}` : null;
    return [`${isThere ? `if (${isThere}) ` : ""}{`, ...indent(1, products(column)), "}"];
  };
  return [
    `export function strip${kernel}s${stride}x${columns}(`,
    ...indent(1, [
      "line: usize,",
      "lineBytes: usize,",
      "pixelBytes: usize,",
      "rows: i32,",
      "left: i32,",
      "right: i32,",
      "weights: usize,",
      "bias: usize,",
      "to: usize,",
      "toStep: usize,",
      "least: f32,",
      "most: f32,",
    ]),
    "): void {",
    `  for (const end = line + pixelBytes; line < end; line += 16) {`,
    ...indent(2, [
      ...each(columns, (out) => `let s${out} = ${out ? "s0" : "v128.load(bias)"};`),
      "let row = line;",
      "let w = weights;",
      "for (let more = rows; more > 0; more--) {",
      ...indent(1, [
        ...each(kernel, (tap) => `const w${tap} = v128.load(w${offset(16 * tap)});`),
        "let at = row;",
        ...each(inputs, (column) => [...guarded(column), ...(column < inputs - 1 ? ["at += pixelBytes;"] : [])]),
        "row += lineBytes;",
        `w += ${16 * kernel};`,
      ]),
      "}",
      "const floor = f32x4.splat(least);",
      "const ceiling = f32x4.splat(most);",
      "let put = to;",
      ...each(columns, (out) => [
        `v128.store(put, f32x4.pmin(f32x4.pmax(s${out}, floor), ceiling));`,
        ...(out < columns - 1 ? ["put += toStep;"] : []),
      ]),
      `weights += ${16 * kernel * kernel};`,
      "bias += 16;",
      "to += 16;",
    ]),
    "  }",
    "}",
  ].join("\n");
}

export const path = "assembly/extended/strips.ts";
export const text = [head, ...strips.map(bodyOf)].join("\n\n").replace("*/\n\n", "*/\n");
