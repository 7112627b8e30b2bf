// A safetensors file in the peers' formats, for whole pipelines: node pipeline-model.js MODEL OUTPUT.onnx [FOLDER]
// With a folder: as transformers.js and MediaPipe load a classifier from there.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildNetwork, modelCard, preprocessFor } from "../../src/model/index.js";
import { readWeights } from "../../src/weights/index.js";
import { toOnnx } from "./onnx.js";
import { toTflite } from "./tflite.js";

const [model, output, folder] = process.argv.slice(2) as [string, string, string?];
const readers = {
  loadTorch: async () => import("../../src/weights/torch.js"),
  loadForeign: async () => import("../../src/weights/foreign.js"),
  loadIntegers: async () => import("../../src/model/integers/index.js"),
  loadUnusual: async () => import("../../src/model/unusual/index.js"),
};
const state = await readWeights(await readFile(model), model, readers);
const card = modelCard(state);
const network = buildNetwork(state, { card });
await writeFile(output, toOnnx(network));

if (folder) {
  const { resize, crop, mean, std } = preprocessFor(network, card, undefined);
  const { channels } = network.values[network.output]!;
  const id2label = Object.fromEntries(Array.from({ length: channels }, (_, index) => [index, `${index}`]));
  const config = { model_type: "resnet", architectures: ["ResNetForImageClassification"], id2label };
  const preprocessor = {
    ...{ image_processor_type: "ViTFeatureExtractor", do_resize: true, size: { shortest_edge: resize }, resample: 2 },
    ...{
      do_center_crop: true,
      crop_size: crop,
      do_rescale: true,
      do_normalize: true,
      image_mean: mean,
      image_std: std,
    },
  };
  await mkdir(join(folder, "onnx"), { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify(preprocessor));
  await writeFile(join(folder, "onnx/model.onnx"), toOnnx(network, { names: ["pixel_values", "logits"] }));
  await writeFile(join(folder, "model.tflite"), toTflite(network, null, { mean, std }));
}
