import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../built.js";
import { command } from "../cli/command.js";
import { type Case, convertedCases, error, found, lightCases, nodeCases, report } from "./suite.js";
import { chain, model as modelOf, tensor } from "./write.js";

type Library = typeof import("../../src/entry/node.js");
const { loadModel } = (await import(/* @vite-ignore */ new URL("dist/node.js", root).href)) as Library;

const reason = found ? "" : " (skipped: there is no shared/data/onnx)";
const modules = ["baseline", "relaxed"] as const;

/** A case's answer by the library's kernels; throws where it is refused. */
async function answer({ model: bytes, inputs }: Case, simd: (typeof modules)[number]): Promise<Float32Array> {
  const [[, first] = ["", new Float64Array(0)], ...others] = inputs;
  const given = Object.fromEntries(others);
  const model = await loadModel(bytes, { device: "cpu", worker: false, threads: 1, simd, inputs: given });
  try {
    return (await model.run(Float32Array.from(first))).logits;
  } finally {
    await model.close();
  }
}

async function judge(cases: readonly Case[], simd: (typeof modules)[number]) {
  const verdicts = new Map<string, string | number>();
  for (const it of cases) {
    const verdict = await answer(it, simd).then(
      (values) => error(values, it.output),
      (cause: Error) => `${cause.name}: ${cause.message}`,
    );
    verdicts.set(it.name, verdict);
  }
  return report(verdicts);
}

test.skipIf(!found).each(
  modules.flatMap((simd) => [
    ["node", simd, nodeCases] as const,
    ["pytorch-converted", simd, convertedCases] as const,
    // Their operators are those of the other two on either module.
    ...(simd === "relaxed" || process.env.FULL ? [["light", simd, lightCases] as const] : []),
  ]),
)(
  `every case of shared/data/onnx/%s is right or refused by name, on the %s module${reason}`,
  async (_, simd, casesOf) => {
    expect(await judge(casesOf(), simd)).toEqual({ wrong: {}, refused: [] });
  },
  240_000,
);

/** Every 32nd pixel, means of 7 x 7 of those, and a head of five classes: of 224 pixels a row of scores, of more a map for each class. */
const first = Array.from({ length: 4 * 3 }, (_, index) => Math.sin(index));
const head = Array.from({ length: 5 * 4 }, (_, index) => Math.cos(index));
const maps = modelOf({
  nodes: chain(
    ["Conv", ["first"], { strides: [32, 32] }],
    ["AveragePool", [], { kernel_shape: [7, 7] }],
    ["Conv", ["head"]],
  ),
  input: ["N", 3, "H", "W"],
  output: ["N", 5, "h", "w"],
  tensors: [tensor("first", [4, 3, 1, 1], first), tensor("head", [5, 4, 1, 1], head)],
});

/** By plain loops, [class][row][column]. */
function mapsOf(picture: Float32Array, height: number, width: number): number[] {
  const [rows, columns] = [height / 32 - 6, width / 32 - 6];
  return Array.from({ length: 5 * rows * columns }, (_, at) => {
    const [out, y, x] = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
    let sum = 0;
    for (let tap = 0; tap < 49 * 12; tap++) {
      const [middle, channel, pixel] = [Math.floor(tap / 3) % 4, tap % 3, Math.floor(tap / 12)];
      const row = 32 * (y + Math.floor(pixel / 7));
      const value = picture[(channel * height + row) * width + 32 * (x + (pixel % 7))]!;
      sum += (head[out * 4 + middle]! * first[middle * 3 + channel]! * value) / 49;
    }
    return sum;
  });
}

test.each([
  [224, 224],
  [256, 288],
] as const)(
  "a graph with open sides is read for pictures of %i x %i, with all that it needs then",
  async (height, width) => {
    const picture = Float32Array.from({ length: 3 * height * width }, (_, index) => Math.sin(index));
    const inputSize = [height, width] as const;
    const model = await loadModel(maps, { device: "cpu", worker: false, threads: 1, inputSize });
    const { logits } = await model.run(picture);
    await model.close();
    expect(error(logits, mapsOf(picture, height, width))).toBeLessThan(1e-5);
  },
);

test.each(["inspect", "convert"])("the command %s reads it so, too", async (name) => {
  const folder = mkdtempSync(join(tmpdir(), "resnet-edge-onnx-"));
  const [file, written] = [join(folder, "maps.onnx"), join(folder, "written.onnx")];
  writeFileSync(file, maps);
  const output = name === "convert" ? ["--output", written] : [];
  const { stderr, code } = await command(name, file, "--input-size", "256", ...output);
  rmSync(folder, { recursive: true });
  expect([stderr, code]).toEqual(["", 0]);
});
