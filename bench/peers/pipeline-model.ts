// A safetensors file as an ONNX file, for the peer's folder run: node pipeline-model.js MODEL OUTPUT.onnx
import { readFile, writeFile } from "node:fs/promises";
import { buildNetwork, modelCard } from "../../src/model/index.js";
import { readWeights } from "../../src/weights/index.js";
import { toOnnx } from "./onnx.js";

const [model, output] = process.argv.slice(2) as [string, string];
const readers = {
  loadTorch: async () => import("../../src/weights/torch.js"),
  loadIntegers: async () => import("../../src/model/integers/index.js"),
  loadUnusual: async () => import("../../src/model/unusual/index.js"),
};
const state = await readWeights(await readFile(model), model, readers);
await writeFile(output, toOnnx(buildNetwork(state, { card: modelCard(state) })));
