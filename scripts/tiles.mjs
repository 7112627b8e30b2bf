// Writes the register tiles of the matrix products: npm run tiles. Their bodies differ in rows, columns, numbers, and in how rows of A
// are found; one text for all of them stands below the table. The files that it writes are committed, and test/tiles.test.ts compares.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as columns from "./columns.mjs";
import * as strips from "./strips.mjs";

const root = new URL("../", import.meta.url);

/**
 * What the numbers decide: `first` and `last` parameters of a tile, what stands before its rows (`before`), where sums begin (`start`),
 * a term of a sum (`add`) and how a block is stored (`store`).
 */
const types = {
  f32: {
    first: ["bias: usize"],
    last: ["residual: usize", "least: f32"],
    before: ({ columns }) => [
      "const floor = f32x4.splat(least);",
      `const plain = isPlain(columns, ${columns}, residual, least);`,
    ],
    start: ({ rows, vectors }) =>
      each(rows, (row) =>
        each(vectors, (v) => `let s${row}${v} = ${row === 0 ? `v128.load(bias${offset(16 * v)})` : `s0${v}`};`),
      ),
    add: (sum, column) => `${sum} = madd(row, ${column}, ${sum});`,
    store: (tile) => [
      ...(tile.asks ? ["askForSome();"] : []),
      `put${tile.rows}x${tile.columns}(c, step, rows, residual, ${sums(tile).join(", ")}, floor, columns, plain);`,
    ],
  },
  // Sums are i32; four weights of each column lie side by side.
  qs8: {
    first: ["scales: usize"],
    last: ["residual: usize", "factor: f32", "least: i32"],
    before: () => [],
    start: (tile) => sums(tile).map((sum) => `let ${sum} = i32x4.splat(0);`),
    add: (sum, column, row) => `${sum} = dot(${column}, ${row}, ${sum});`,
    store: (tile) => storePairs(tile),
  },
  // As qs8, where a dot product of bytes is five instructions: one that leaves sums of two as i16, and one that adds their neighbours. Two
  // words' sums of two are added before, but for words that are outliers, a last one without a next, and panels of too many outliers.
  qs8_quads: {
    first: ["outliers: usize", "scales: usize"],
    last: ["residual: usize", "factor: f32", "least: i32"],
    before: () => [
      // Of what no compiler knows: a constant would be made anew for each use.
      "const ones = i16x8.splat(<i16>(rows > 0));",
      "const first = outliers + OUTLIER_HEADER_BYTES;",
      "const last = first + load<i32>(outliers);",
      "const twoBytes = last < first ? 0 : <usize>(depth >> 1) << 6;",
    ],
    start: (tile) => sums(tile).map((sum) => `let ${sum} = i32x4.splat(0);`),
    add: (sum, column, row) => `${sum} = pairs(${column}, ${row}, ones, ${sum});`,
    store: (tile) => storePairs(tile),
  },
  // As qs8, with values and weights of sixteen bits, two of which lie side by side.
  qs8_wide: {
    first: ["scales: usize"],
    last: ["residual: usize", "factor: f32", "least: i32"],
    before: () => [],
    start: (tile) => sums(tile).map((sum) => `let ${sum} = i32x4.splat(0);`),
    add: (sum, column) => `${sum} = i32x4.add(${sum}, i32x4.dot_i16x8_s(${column}, row));`,
    store: (tile) => storePairs(tile),
  },
  // Values and weights of sixteen bits, and sums that are left as they are.
  i16: {
    before: () => [],
    start: (tile) => sums(tile).map((sum) => `let ${sum} = i32x4.splat(0);`),
    add: (sum, column) => `${sum} = i32x4.add(${sum}, i32x4.dot_i16x8_s(${column}, row));`,
    store: ({ rows, vectors }) =>
      each(vectors / 2, (panel) =>
        each(rows, (row) =>
          each(
            2,
            (v) => `v128.store(c${panel ? " + apart" : ""}, s${row}${2 * panel + v}${offset(32 * row + 16 * v)});`,
          ),
        ),
      ),
  },
};

const head = (text) => `// Written by scripts/tiles.mjs: npm run tiles.\n${text}`;

/** Files, and what each holds from top to bottom: its imports and helpers, then tiles with their comments. */
const files = {
  "assembly/gemm/gemm.ts": [
    `import { askForSome } from "./ahead";
import { madd } from "../base/simd";
import { isPlain, put4x16, put4x8, put6x8 } from "./store";`,
    {
      ...{ name: "f32_gemm_4x8", type: "f32", rows: 4, columns: 8, gathered: true, from: true, asks: true },
      comment: `/**
 * f32 GEMM, tiles of 4 rows by 8 columns: C = max(A B + bias + R, least), for \`rows\` rows against one panel of B.
 *
 * A is in blocks of 4 rows, [depth][4], \`aStep\` bytes apart. B is one panel, [depth][8]. Rows of C are \`step\` bytes apart, and so are
 * those of the residual R, at C + residual bytes. If \`from\` is not 0, sums start with the values there, in rows \`fromStep\` bytes apart.
 * Rows beyond \`rows\` in the last block are computed and not stored.
 *
 * Register blocking: eight sums, two columns and four broadcasts take fourteen of the fifteen vector registers that engines leave.
 * One pointer walks each operand. Without fused multiply-adds, instruction decoding limits the loop, not arithmetic.
 */`,
    },
    {
      ...{ name: "f32_gemm_4x16", type: "f32", rows: 4, columns: 16, gathered: true, asks: true },
      comment:
        "/** As `f32_gemm_4x8`, against two panels of B that lie `depth` * 32 bytes apart: see `f32_igemm_6x16` for whom. */",
    },
    {
      ...{ name: "f32_gemm_6x8", type: "f32", rows: 6, columns: 8, gathered: true, from: true, asks: true },
      comment: "/** As `f32_gemm_4x8`, tiles of 6 rows: see `f32_igemm_6x8` for whom. */",
    },
  ],
  "assembly/gemm/igemm-8.ts": [
    `import { madd } from "../base/simd";
import { isPlain, put4x8, put6x8 } from "./store";`,
    {
      ...{ name: "f32_igemm_6x8", type: "f32", rows: 6, columns: 8 },
      comment: `/**
 * f32 indirect GEMM (Dukhan 2019), tiles of 6 rows by 8 columns: C = max(A B + bias + R, least), for \`rows\` rows against one
 * panel of B.
 *
 * \`table\` has pointers to A, [block][tap][6]; each, plus \`offset\`, leads to \`depth\` contiguous elements. B is one panel,
 * [tap][depth][8]. Rows of C are \`step\` bytes apart, and so are those of the residual R, at C + residual bytes. Pointers of missing
 * rows repeat another row's.
 *
 * Register blocking: twelve sums, two columns and one broadcast take all fifteen vector registers that V8 leaves. Twelve chains of
 * multiply-adds hide their latency; eight only just do. Older optimisers spill here, at half of the speed.
 */`,
    },
    {
      ...{ name: "f32_igemm_4x8", type: "f32", rows: 4, columns: 8 },
      comment:
        "/** As `f32_igemm_6x8`, tiles of 4 rows: for the rows that sixes leave over, and for optimisers that spill with six. */",
    },
  ],
  "assembly/gemm/igemm-16.ts": [
    `import { askForSome } from "./ahead";
import { madd } from "../base/simd";
import { isPlain, put4x16, put6x16 } from "./store";`,
    {
      ...{ name: "f32_igemm_6x16", type: "f32", rows: 6, columns: 16, asks: true },
      comment: `/**
 * As \`f32_igemm_6x8\`, against two panels of B that lie \`panelBytes\` apart: tiles of 6 rows by 16 columns.
 *
 * For engines that fuse adjacent 128-bit operations into 256-bit ones (V8's revectorisation). Then twelve sums, two columns and one
 * broadcast of 256 bits fit the registers; elsewhere sums spill. Loads, sums and stores are written in adjacent pairs for V8 to match.
 */`,
    },
    {
      ...{ name: "f32_igemm_4x16", type: "f32", rows: 4, columns: 16, asks: true },
      comment: "/** As `f32_igemm_6x16`, tiles of 4 rows: for the rows that sixes leave over. */",
    },
  ],
  "assembly/int8/tiles.ts": [
    `import { OUTLIER_BYTES, OUTLIER_HEADER_BYTES } from "../shared/sizes";
import { put2x8 } from "./store";

/** Adds to each of four sums the product of four weights (s8) and four activations (0..127). */
// @ts-ignore: decorator
@inline
function dot(weights: v128, activations: v128, sum: v128): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(weights, activations, sum);
}

/** The same in two steps. Sums of two products are at most 2 * 128 * 127, which i16 holds. */
// @ts-ignore: decorator
@inline
function pairs(weights: v128, activations: v128, ones: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(products(weights, activations), ones));
}

/** The same of two words in five instructions. Sums of four products are at most 258 * 127, which i16 holds: see \`takeOutliers\`. */
// @ts-ignore: decorator
@inline
function quads(weights: v128, activations: v128, otherWeights: v128, others: v128, ones: v128, sum: v128): v128 {
  const both = i16x8.add(products(weights, activations), products(otherWeights, others));
  return i32x4.add(sum, i32x4.dot_i16x8_s(both, ones));
}

// @ts-ignore: decorator
@inline
function products(weights: v128, activations: v128): v128 {
  return i16x8.relaxed_dot_i8x16_i7x16_s(weights, activations);
}`,
    {
      ...{ name: "qs8_igemm_6x8", type: "qs8", rows: 6, columns: 8, steps: 2 },
      comment: `/**
 * As \`f32_igemm_6x8\`, on bytes: \`depth\` counts words of four, and a panel is [tap][depth][8][4]. What the sums become is \`put2x8\`'s.
 */`,
    },
    { name: "qs8_igemm_4x8", type: "qs8", rows: 4, columns: 8, comment: "/** As `qs8_igemm_6x8`, tiles of 4 rows. */" },
    {
      ...{ name: "qs8_igemm_4x8_quads", type: "qs8_quads", rows: 4, columns: 8 },
      comment: `/**
 * As \`qs8_igemm_4x8\`, for engines that have no single instruction for \`dot\`: a tap's words are taken by twos, and the panel's outliers,
 * which \`outliers\` leads to, on their own. Where it has too many, all words are.
 */`,
    },
    {
      ...{ name: "qs8_igemm_6x16", type: "qs8", rows: 6, columns: 16 },
      comment:
        "/** As `qs8_igemm_6x8`, against two panels that lie `panelBytes` apart: see `f32_igemm_6x16` for whom. */",
    },
    {
      name: "qs8_igemm_4x16",
      type: "qs8",
      rows: 4,
      columns: 16,
      comment: "/** As `qs8_igemm_6x16`, tiles of 4 rows. */",
    },
    {
      ...{ name: "qs8_gemm16_4x8", type: "qs8_wide", rows: 4, columns: 8, gathered: true, together: true },
      comment: `/**
 * For engines without a dot product of bytes: A is gathered and widened (\`gatherWide\`), blocks of [depth][4][2] one behind the other, and
 * \`depth\` counts pairs. A panel is [depth][8][2], widened as well (\`widen\`).
 */`,
    },
    {
      ...{ name: "i16_gemm_4x8", type: "i16", rows: 4, columns: 8, strided: true },
      comment: `/**
 * i16 GEMM, tiles of 4 rows by 8 columns: C = A B modulo 2^32, for \`rows\` rows, a multiple of four, against one panel of B.
 *
 * A has rows of \`depth\` pairs that are \`aStep\` bytes apart; B is [depth][8][2]; C is i32, [row][8].
 */`,
    },
    {
      ...{ name: "i16_gemm_4x16", type: "i16", rows: 4, columns: 16, strided: true },
      comment:
        "/** As `i16_gemm_4x8`, against two panels, `panelBytes` apart, to two C, `apart` bytes apart: see `f32_igemm_6x16` for whom. */",
    },
  ],
};

// One text for all tiles.

const each = (count, of) => Array.from({ length: count }, (_, index) => of(index)).flat();
const offset = (bytes) => (bytes === 0 ? "" : `, ${bytes}`);
const sums = ({ rows, vectors }) => each(rows, (row) => each(vectors, (v) => `s${row}${v}`));
const indent = (depth, lines) => lines.map((line) => "  ".repeat(depth) + line);
const times = (count, name) => (count === 1 ? name : `${count} * ${name}`);

/** `put2x8` takes two rows of one panel. */
function storePairs({ rows, columns }) {
  return each(columns / 8, (panel) =>
    each(rows / 2, (pair) => {
      const row = 2 * pair;
      const block = each(2, (r) => each(2, (v) => `s${row + r}${2 * panel + v}`)).join(", ");
      const to = `c${row ? ` + ${row} * step` : ""}${panel ? " + 8" : ""}`;
      const left = `rows${row ? ` - ${row}` : ""}`;
      const own = `scales${panel ? " + 64" : ""}, columns${panel ? " - 8" : ""}`;
      return `put2x8(${to}, step, ${left}, ${block}, ${own}, residual, factor, least);`;
    }),
  );
}

/**
 * One step of a loop: columns are loaded once, and each row's element meets all of them. A second step, which spares half of what walks the
 * pointers, lies behind a branch: without one optimisers would move the loads of both to the loop's head, and sums would spill.
 */
function products({ rows, vectors, type, gathered }, step = 0) {
  const { add } = types[type];
  const [columns, row] = step ? ["d", "next"] : ["b", "row"];
  return [
    ...each(
      vectors,
      (v) =>
        `const ${columns}${v} = v128.load(${v < 2 ? "at" : "at + panelBytes"}${offset(32 * step + 16 * (v % 2))});`,
    ),
    ...each(rows, (r) => [
      `${r === 0 ? "let " : ""}${row} = v128.load32_splat(${gathered ? `walk${offset(4 * r)}` : `a${r}${offset(4 * step)}`});`,
      ...each(vectors, (v) => add(`s${r}${v}`, `${columns}${v}`, row)),
    ]),
    ...(gathered ? [`walk += ${4 * rows};`] : []),
  ];
}

/** The same, and on to the next. */
function oneWord(tile) {
  return [...products(tile), ...each(tile.rows, (row) => `a${row} += 4;`)];
}

/** One step of a loop over two words of each column. */
function twoWords({ rows, vectors }) {
  const load = (name, from) => each(vectors, (v) => `const ${name}${v} = v128.load(at${offset(from + 16 * v)});`);
  return [
    ...load("b", 0),
    ...load("d", 32),
    ...each(rows, (r) => [
      `${r ? "" : "let "}row = v128.load32_splat(a${r});`,
      `${r ? "" : "let "}next = v128.load32_splat(a${r}, 4);`,
      ...each(vectors, (v) => `s${r}${v} = quads(b${v}, row, d${v}, next, ones, s${r}${v});`),
    ]),
    ...each(rows, (r) => `a${r} += 8;`),
  ];
}

/** Words that are on their own, behind the loop over taps. */
function outliersOf(tile) {
  return [
    "for (let at = first; at < last; at += OUTLIER_BYTES) {",
    "  const block = table + load<i32>(at, 32);",
    "  const from = offset + <usize>load<u32>(at, 36);",
    ...indent(1, [
      ...each(tile.rows, (row) => `const a${row} = <usize>load<u32>(block${offset(4 * row)}) + from;`),
      ...products(tile),
    ]),
    "}",
  ];
}

/** Adds to each sum what lies at \`from\`. */
function fromBefore({ rows, vectors, from }) {
  if (!from) return [];
  const added = each(rows, (row) =>
    each(vectors, (v) => {
      const at = row === 0 ? "from" : `from + ${times(row, "fromStep")}`;
      return `s${row}${v} = f32x4.add(s${row}${v}, v128.load(${at}${offset(16 * v)}));`;
    }),
  );
  return ["if (from) {", ...indent(1, [...added, `from += ${rows} * fromStep;`]), "}"];
}

function bodyOf(tile) {
  const { type, rows, columns, gathered, strided, together, comment, name } = tile;
  const { first, last, before, start, store } = types[type];
  const found =
    gathered || strided
      ? [
          ...["a: usize", ...(together ? [] : ["aStep: usize"]), "depth: i32", "b: usize"],
          ...(strided && columns > 8 ? ["panelBytes: usize", "apart: usize"] : []),
        ]
      : [
          "table: usize",
          "taps: i32",
          "depth: i32",
          "offset: usize",
          "b: usize",
          ...(columns > 8 ? ["panelBytes: usize"] : []),
        ];
  const origin = tile.from ? ["from: usize", "fromStep: usize"] : [];
  const block = first
    ? [...first, ...origin, "c: usize", "step: usize", "rows: i32", "columns: i32", ...last]
    : ["c: usize", "rows: i32"];
  const parameters = [...found, ...block];
  const loop =
    gathered || strided
      ? [
          ...(strided ? each(rows, (row) => `let a${row} = ${row ? `a${row - 1} + aStep` : "a"};`) : []),
          `for (let at = b; at < end; at += 32) {`,
          ...indent(1, [...products(tile), ...(strided ? each(rows, (row) => `a${row} += 4;`) : [])]),
          "}",
          ...(together ? [] : [`a += ${strided ? `${rows} * ` : ""}aStep;`]),
        ]
      : [
          "let at = b;",
          "for (let tap = 0; tap < taps; tap++) {",
          ...indent(
            1,
            each(rows, (row) => `let a${row} = <usize>load<u32>(table${offset(4 * row)}) + offset;`),
          ),
          `  table += ${4 * rows};`,
          ...(tile.steps
            ? [
                "  const last = at + tapBytes - 32;",
                "  while (true) {",
                ...indent(2, products(tile)),
                "    if (at == last) break;",
                ...indent(2, products(tile, 1)),
                ...indent(
                  2,
                  each(rows, (row) => `a${row} += 8;`),
                ),
                "    at += 64;",
                "    if (at > last) break;",
                "  }",
                "  at = last + 32;",
              ]
            : type === "qs8_quads"
              ? [
                  "  const end = at + tapBytes;",
                  "  for (const two = at + twoBytes; at < two; at += 64) {",
                  ...indent(2, twoWords(tile)),
                  "  }",
                  "  for (; at < end; at += 32) {",
                  ...indent(2, oneWord(tile)),
                  "  }",
                ]
              : ["  for (const end = at + tapBytes; at < end; at += 32) {", ...indent(2, oneWord(tile)), "  }"]),
          "}",
          ...(type === "qs8_quads" ? outliersOf(tile) : []),
        ];
  const panel = `<usize>depth << 5`;
  const ends =
    !gathered && !strided
      ? [`const tapBytes = ${panel};`]
      : columns > 8 && !strided
        ? [`const panelBytes = ${panel};`, "const end = b + panelBytes;"]
        : [`const end = b + (${panel});`];
  return [
    comment,
    `export function ${name}(`,
    ...indent(
      1,
      parameters.map((it) => `${it},`),
    ),
    "): void {",
    ...indent(1, [...before(tile), ...ends, ...(together ? ["let walk = a;"] : [])]),
    `  for (; rows > 0; rows -= ${rows}) {`,
    ...indent(2, [...start(tile), ...fromBefore(tile), ...(gathered && !together ? ["let walk = a;"] : []), ...loop]),
    ...indent(2, [...store(tile), first ? `c += ${rows} * step;` : `c += ${32 * rows};`]),
    "  }",
    "}",
  ].join("\n");
}

/** Each file's path, from the project's root, and its text. */
export const written = Object.entries(files).map(([path, [start, ...tiles]]) => {
  const bodies = tiles.map((tile) => bodyOf({ ...tile, vectors: tile.columns / 4 }));
  return { path, text: `${[head(start), ...bodies].join("\n\n")}\n` };
});
for (const { path, text } of [strips, columns]) written.push({ path, text: `${head(text)}\n` });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, text } of written) writeFileSync(new URL(path, root), text);
}
