// The text of the depthwise kernels on integers, which differ in window, stride and dot product: for scripts/tiles.mjs.

/** `taps`: rows of the window that a dot product takes at once, four bytes or two words. */
const kinds = [
  { suffix: "", taps: 4 },
  { suffix: "wide", taps: 2 },
];
const windows = kinds.flatMap((kind) =>
  [3, 5].flatMap((kernel) => [1, 2].map((stride) => ({ ...kind, kernel, stride }))),
);

const each = (count, of) => Array.from({ length: count }, (_, index) => of(index)).flat();
const indent = (depth, lines) => lines.map((line) => "  ".repeat(depth) + line);
const offset = (bytes) => (bytes === 0 ? "" : `, ${bytes}`);

const head = `import { put8 } from "./store";

/**
 * One output row of eight channels, column by column of the input: each column's rows are put side by side once, and added to the sums of
 * every output column whose window it is in. A sum is stored as soon as its window is over.
 *
 * \`r0\` and its like are the rows of the window where their first column begins; columns from -\`pad\` on that the image has not count as
 * zeros. Weights are [column][rows in fours][8][4], without a row there is as 0; of the wide ones [column][rows in pairs][8][2].
 */`;

/** Vectors of a column: rows side by side of channels 0 to 3, then of 4 to 7. */
function columnOf({ kernel, taps }) {
  const lines = [];
  if (taps === 2) {
    each(kernel, (row) => lines.push(`const a${row} = v128.load8x8_u(r${row} + at);`));
    for (let row = 0; row < kernel; row += 2) {
      const [low, high] = [`v${row}`, `v${row + 1}`];
      if (row + 1 < kernel) {
        lines.push(`const ${low} = i16x8.shuffle(a${row}, a${row + 1}, 0, 8, 1, 9, 2, 10, 3, 11);`);
        lines.push(`const ${high} = i16x8.shuffle(a${row}, a${row + 1}, 4, 12, 5, 13, 6, 14, 7, 15);`);
      } else {
        lines.push(`const ${low} = i32x4.extend_low_i16x8_u(a${row});`);
        lines.push(`const ${high} = i32x4.extend_high_i16x8_u(a${row});`);
      }
    }
    return lines;
  }
  const pairs = [];
  for (let row = 0; row < kernel; row += 2) {
    if (row + 1 < kernel) {
      const [one, other] = [row, row + 1].map((it) => `v128.load64_zero(r${it} + at)`);
      const lanes = each(8, (lane) => [lane, 16 + lane]).join(", ");
      lines.push(`const p${row} = i8x16.shuffle(${one}, ${other}, ${lanes});`);
    } else lines.push(`const p${row} = v128.load8x8_u(r${row} + at);`);
    pairs.push(`p${row}`);
  }
  for (let pair = 0; pair < pairs.length; pair += 2) {
    const [one, other] = pairs.slice(pair, pair + 2);
    if (other) {
      lines.push(`const v${pair} = i16x8.shuffle(${one}, ${other}, 0, 8, 1, 9, 2, 10, 3, 11);`);
      lines.push(`const v${pair + 1} = i16x8.shuffle(${one}, ${other}, 4, 12, 5, 13, 6, 14, 7, 15);`);
    } else {
      lines.push(`const v${pair} = i32x4.extend_low_i16x8_u(${one});`);
      lines.push(`const v${pair + 1} = i32x4.extend_high_i16x8_u(${one});`);
    }
  }
  return lines;
}

function bodyOf(window) {
  const { kernel, stride, taps, suffix } = window;
  const vectors = 2 * Math.ceil(kernel / taps);
  const sums = Math.ceil(kernel / stride);
  // Four bytes of each of four channels, or two.
  const weightBytes = taps === 4 ? 16 : 8;
  const isKept = taps === 4 && kernel === 3;
  const load = (tap, vector) => {
    const at = `weights${offset((tap * vectors + vector) * weightBytes)}`;
    return taps === 4 ? `v128.load(${at})` : `v128.load8x8_s(${at})`;
  };
  const weight = (tap, vector) => (isKept ? `w${tap}${vector}` : load(tap, vector));
  const add = (sum, vector, tap) =>
    taps === 4
      ? `${sum} = i32x4.relaxed_dot_i8x16_i7x16_add_s(${weight(tap, vector)}, v${vector}, ${sum});`
      : `${sum} = i32x4.add(${sum}, i32x4.dot_i16x8_s(${weight(tap, vector)}, v${vector}));`;
  /** A column of the input, which is tap `phase`, `phase` + stride ... of one output after the other, from the newest to the oldest. */
  const column = (phase) => [
    `if (<u32>x < <u32>inWidth) {`,
    ...indent(1, columnOf(window)),
    ...indent(
      1,
      each(sums, (index) => {
        const own = phase + stride * (sums - 1 - index);
        return own < kernel
          ? each(vectors, (vector) => add(`s${index}${vector % 2 === 0 ? "a" : "b"}`, vector, own))
          : [];
      }),
    ),
    "  at += pixelBytes;",
    "}",
    "x++;",
  ];
  return [
    `export function columns${kernel}s${stride}${suffix}(`,
    ...indent(1, [
      ...each(kernel, (row) => `r${row}: usize,`),
      ...["pixelBytes: usize,", "inWidth: i32,", "outWidth: i32,", "pad: i32,", "weights: usize,"],
      ...["scales: usize,", "to: usize,", "toStep: usize,", "least: i32,"],
    ]),
    "): void {",
    ...indent(1, [
      ...(isKept ? each(kernel, (tap) => each(vectors, (v) => `const ${weight(tap, v)} = ${load(tap, v)};`)) : []),
      ...each(sums, (index) => [`let s${index}a = i32x4.splat(0);`, `let s${index}b = i32x4.splat(0);`]),
      "let at: usize = 0;",
      "let x = -pad;",
      // The first windows that end are in front of the image.
      `for (let ending = ${1 - sums}; ending < outWidth; ending++) {`,
      ...indent(1, column(0)),
      "  if (ending >= 0) {",
      "    put8(to, s0a, s0b, scales, least);",
      "    to += toStep;",
      "  }",
      ...(stride === 2 ? indent(1, column(1)) : []),
      ...indent(
        1,
        each(sums - 1, (index) => [`s${index}a = s${index + 1}a;`, `s${index}b = s${index + 1}b;`]),
      ),
      `  s${sums - 1}a = i32x4.splat(0);`,
      `  s${sums - 1}b = i32x4.splat(0);`,
      "}",
    ]),
    "}",
  ];
}

export const path = "assembly/int8/columns.ts";
export const text = [head, ...windows.map((it) => bodyOf(it).join("\n"))].join("\n\n").replace("*/\n\n", "*/\n");
