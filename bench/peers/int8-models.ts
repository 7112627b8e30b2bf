// Writes one network in float and in int8, in each engine's own format, and the pictures to compare them on:
// node out/int8-models.js --model resnet18 --folder models [--imagenet DIR]
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { writeOnnx } from "../../src/convert/onnx.js";
import type { Network } from "../../src/graph/network.js";
import { buildNetwork, preprocessFor, pseudoRandomNetwork } from "../../src/model/index.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { calibrate } from "./calibrate.js";
import { int8Scheme } from "./int8.js";
import { withNormalWeights } from "./normal-weights.js";
import { toInt8Onnx } from "./onnx-int8.js";
import { pseudoRandomPictures, readPictures } from "./pictures.js";
import { toSafetensors } from "./safetensors.js";
import { toInt8Safetensors } from "./safetensors-int8.js";
import { toTflite } from "./tflite.js";

/** Of both kinds: pictures to calibrate on, and others to compare on. */
const NOISE_PICTURES = 16;

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "resnet18" },
    folder: { type: "string", default: "models" },
    /** A folder with photographs in images/, and MODEL.safetensors for networks whose weights it has. */
    imagenet: { type: "string" },
  },
});
const { model, folder, imagenet } = values;
const network = await openNetwork();
const pictures = await openPictures();
const calibrated = pictures.filter((_, index) => index % 2 === 0);
const held = pictures.filter((_, index) => index % 2 === 1);
const ranges = await calibrate(network, calibrated);
const scheme = int8Scheme(network, ranges);
const files = {
  "f32.safetensors": toSafetensors(network),
  "f32.onnx": writeOnnx(network, {}),
  "f32.tflite": toTflite(network),
  "int8.safetensors": toInt8Safetensors(network, ranges),
  "int8.onnx": toInt8Onnx(network, scheme),
  "int8.tflite": toTflite(network, scheme),
  "pictures.f32": Buffer.concat(held.map(({ buffer }) => new Uint8Array(buffer))),
};
await mkdir(folder, { recursive: true });
for (const [ending, bytes] of Object.entries(files)) await writeFile(`${folder}/${model}-${ending}`, bytes);
process.exit(0);

async function openNetwork(): Promise<Network> {
  const file = `${imagenet}/${model}.safetensors`;
  if (!imagenet || !existsSync(file)) return withNormalWeights(pseudoRandomNetwork(model));
  return buildNetwork(readSafetensors(await readFile(file), file));
}

async function openPictures(): Promise<Float32Array[]> {
  const { channels, height, width } = network.values[network.input]!;
  if (!imagenet) return pseudoRandomPictures(NOISE_PICTURES, channels, height * width);
  return readPictures(`${imagenet}/images`, preprocessFor(network, { preprocess: {} }));
}
