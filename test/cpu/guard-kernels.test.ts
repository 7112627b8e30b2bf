import { describe, expect, test } from "vitest";
import { kernels } from "../../src/cpu/choose/choose.js";
import type { TileName } from "../../src/cpu/program/tiles.js";
import type { ConvOp, ValueShape } from "../../src/graph/network.js";
import { runOp } from "../model/reference.js";
import { toNhwc } from "./check.js";
import { modules } from "./engine.js";
import { alone, runForced } from "./guarded-pieces.js";
import { conv, convOutput, values, weightOf } from "./one-operation.js";

type Shape = readonly [height: number, width: number, channels: number, outputs: number];

/** Tiles that pieces and scratch are for, if known, and that run: a small network's first runs, and measurements, try the others. */
const pairs: readonly (readonly [TileName | undefined, TileName])[] = [
  ["4x8", "4x8"],
  ["6x8", "6x8"],
  ["6x16", "6x16"],
  ["4x8", "6x8"],
  ["4x8", "6x16"],
  [undefined, "6x8"],
  [undefined, "6x16"],
];

interface Case {
  readonly name: string;
  readonly op: ConvOp;
  readonly input: ValueShape;
  readonly output: ValueShape;
}

function casesOf(name: string, size: number, shapes: readonly Shape[], fields: Partial<ConvOp> = {}): Case[] {
  return shapes.map(([height, width, channels, outputs]) => {
    const groups = fields.groups ?? 1;
    const weight = weightOf([outputs, channels / groups, size, size]);
    const op = conv({ padding: [size >> 1, size >> 1, size >> 1, size >> 1], weight, ...fields });
    const input = { height, width, channels };
    return { name: `${name} ${height}x${width}x${channels} to ${outputs}`, op, input, output: convOutput(op, input) };
  });
}

/** One pixel and one tile, rows that leave each remainder, more channels than a chunk or a part, odd channels and halves of panels. */
const cases = [
  ...casesOf("3x3", 3, [
    [1, 1, 8, 8],
    [3, 3, 264, 24],
    [7, 7, 136, 72],
    [13, 13, 20, 36],
    [30, 27, 13, 24],
    [18, 5, 32, 160],
    [4, 130, 12, 4],
    [40, 44, 8, 16],
  ]),
  ...casesOf("3x3 and a summand", 3, [[14, 11, 24, 24]], { inputs: [1, 3], relu: true }),
  ...casesOf(
    "3x3 of stride 2",
    3,
    [
      [1, 2, 8, 8],
      [13, 13, 20, 36],
      [14, 14, 264, 40],
      [7, 9, 72, 136],
      [57, 40, 8, 16],
    ],
    { stride: [2, 2] },
  ),
  ...casesOf("1x1", 1, [
    [12, 8, 128, 128],
    [97, 1, 528, 80],
    [7, 7, 1040, 64],
    [29, 9, 64, 256],
    [31, 33, 64, 64],
    [5, 5, 6, 300],
  ]),
  ...casesOf("1x1 and a summand", 1, [[13, 11, 160, 160]], { inputs: [1, 3] }),
  ...casesOf("1x1 of stride 2", 1, [[27, 19, 256, 144]], { stride: [2, 2] }),
  ...casesOf("5x5 in groups", 5, [[9, 8, 16, 24]], { groups: 2 }),
  ...casesOf("dilated 3x3", 3, [[11, 12, 20, 12]], { dilation: [2, 2] }),
  ...casesOf(
    "7x7 of stride 2, of the image",
    7,
    [
      [224, 20, 3, 8],
      [33, 9, 1, 12],
      [40, 67, 3, 64],
      [2, 130, 4, 20],
    ],
    { inputs: [0], output: 1, stride: [2, 2] },
  ),
  ...casesOf("3x3 of the image", 3, [[17, 9, 3, 8]], { inputs: [0], output: 1 }),
];

const valuesOf = ({ op, input, output }: Case) =>
  op.inputs[0] === 0 ? [input, output] : [{ ...input, channels: 3 }, input, output, output];

test("every kernel of the table fits one of the cases", () => {
  const fitting = cases.flatMap((it) => kernels().filter(({ fits }) => fits(it.op, alone(it.op, valuesOf(it)))));
  expect(new Set(fitting)).toEqual(new Set(kernels()));
});

describe.each(modules)("no kernel writes a word beyond its scratch or its output, %s", (simd) => {
  test.each(cases)("$name", async (it) => {
    const { op, output } = it;
    const network = alone(op, valuesOf(it));
    const given = op.inputs.map((id) => {
      const { height, width, channels } = network.values[id]!;
      return values(height * width * channels);
    });
    const expected = toNhwc(
      runOp(
        op,
        (id) => Float64Array.from(given[op.inputs.indexOf(id)]!),
        (id) => network.values[id]!,
      ),
      output,
    );
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const inputs = given.map((x, at) => (op.inputs[at] === 0 ? x : toNhwc(x, network.values[op.inputs[at]!]!)));
    for (const { name, fits } of kernels()) {
      if (!fits(op, network)) continue;
      for (const [compiled, tile] of pairs) {
        if (simd === "baseline" && tile !== "4x8") continue;
        for (const threads of [1, 2, 3]) {
          const found = await runForced(network, inputs, { simd, kernel: name, threads, compiled, tile });
          const error = found.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at]!)), 0);
          expect(error / largest, `${name}, tile ${tile}, ${threads} threads`).toBeLessThan(1e-5);
        }
      }
    }
  });
});
