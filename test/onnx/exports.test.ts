import { existsSync, readdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { root } from "../built.js";
import { error } from "./suite.js";

const { loadModel } = (await import(
  /* @vite-ignore */ new URL("dist/node.js", root).href
)) as typeof import("../../src/entry/node.js");

/** What `scripts/fixtures/onnx-exports.py FOLDER` wrote, which needs PyTorch. */
const { ONNX_EXPORTS } = process.env;
const folder = ONNX_EXPORTS ? new URL(`${pathToFileURL(ONNX_EXPORTS)}/`) : null;
const reason =
  folder && existsSync(folder) ? "" : " (skipped: ONNX_EXPORTS names no folder of scripts/fixtures/onnx-exports.py)";
const files = reason ? ["none"] : readdirSync(folder!).filter((name) => name.endsWith(".onnx"));

test.skipIf(reason !== "").each(files)(
  `%s has PyTorch's logits, within 1e-4 of the largest, on both modules${reason}`,
  async (file) => {
    const facts = new URL(file.replace(/\.\w+\.onnx$/, ".json"), folder!);
    const { shape, logits } = JSON.parse(readFileSync(facts, "utf8")) as { shape: number[]; logits: number[] };
    const input = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, index) => Math.sin(index));
    for (const simd of ["baseline", "relaxed"] as const) {
      const model = await loadModel(new URL(file, folder!), { device: "cpu", simd, threads: 1 });
      const found = await model.run(input);
      const far = error(found.logits, logits);
      console.log(`${file}, ${simd}: ${far.toExponential(1)} of the largest logit`);
      expect(far).toBeLessThanOrEqual(1e-4);
      await model.close();
    }
  },
  120_000,
);
