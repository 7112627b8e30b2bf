import { existsSync, readdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { library } from "../built.js";
import { error } from "../onnx/suite.js";
import { openDawn } from "./dawn.js";

const { gpu, skip } = await openDawn();
/** What `scripts/fixtures/onnx-exports.py FOLDER` wrote, which needs PyTorch. */
const { ONNX_EXPORTS } = process.env;
const folder = ONNX_EXPORTS ? new URL(`${pathToFileURL(ONNX_EXPORTS)}/`) : null;
const isThere = gpu && folder && existsSync(folder);
if (!isThere)
  console.log(`skipped: ONNX exports on a GPU, ${skip ?? "ONNX_EXPORTS names no folder of onnx-exports.py"}`);
const files = isThere ? readdirSync(folder).filter((name) => name.endsWith(".legacy.onnx")) : ["none"];

test.skipIf(!isThere).each(files)(
  "%s has PyTorch's logits on the GPU, every stage of it, within 1e-4 of the largest",
  async (file) => {
    const facts = readFileSync(new URL(file.replace(/\.\w+\.onnx$/, ".json"), folder!), "utf8");
    const { shape, logits } = JSON.parse(facts) as { shape: number[]; logits: number[] };
    const input = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, index) => Math.sin(index));
    const loading = library.loadModel(new URL(file, folder!), { device: "gpu", gpu: gpu!, worker: false });
    // Its first linear layer is larger than what WebGPU promises of a buffer: with "auto" that stage stays on the CPU.
    if (file.startsWith("vgg")) return expect(loading).rejects.toThrow(/classifier\.0 needs a buffer of \d+ bytes/);
    const model = await loading;
    try {
      const { stages } = model.plan;
      const far = error((await model.run(input)).logits, logits);
      const devices = stages.map(({ device }) => device);
      console.log(`${file}: ${far.toExponential(1)} of the largest logit; ${devices.join(", ")}`);
      expect(far).toBeLessThanOrEqual(1e-4);
      expect(new Set(devices)).toEqual(new Set(["gpu"]));
    } finally {
      await model.close();
    }
  },
  900_000,
);
