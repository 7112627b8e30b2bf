// Writes one network in each engine's own format into models/: node out/models.js resnet18
import { mkdirSync, writeFileSync } from "node:fs";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { toOnnx } from "./onnx.js";
import { toSafetensors } from "./safetensors.js";
import { toTflite } from "./tflite.js";

const [model = "resnet18", folder = "models"] = process.argv.slice(2);
const network = pseudoRandomNetwork(model);
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/${model}.safetensors`, toSafetensors(network));
writeFileSync(`${folder}/${model}.onnx`, toOnnx(network));
writeFileSync(`${folder}/${model}.tflite`, toTflite(network));
