import { expect, test } from "vitest";
import { root } from "../built.js";
import { type Case, convertedCases, error, found, lightCases, nodeCases, report } from "./suite.js";

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
