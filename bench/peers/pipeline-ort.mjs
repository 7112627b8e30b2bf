// A folder through onnxruntime-node and sharp, as well as we can write it: files are decoded, resized and cropped ahead by sharp's
// own threads while the network runs, and answers are written as lines of JSON.
// node pipeline-ort.mjs MODEL.onnx FOLDER OUTPUT.jsonl SESSIONS THREADS AHEAD
import { createWriteStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import sharp from "sharp";

const [model, folder, output, sessions, threads, ahead] = process.argv.slice(2);
const [MEAN, STD] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
];
const SIDE = 224;
sharp.cache(false);
sharp.concurrency(1);
const options = { intraOpNumThreads: Number(threads), interOpNumThreads: 1, graphOptimizationLevel: "all" };
const engines = await Promise.all(
  Array.from({ length: Number(sessions) }, () => ort.InferenceSession.create(model, options)),
);
const names = (await readdir(folder)).sort();
const file = createWriteStream(output);

async function decode(name) {
  const { data } = await sharp(join(folder, name))
    .rotate()
    .removeAlpha()
    .toColourspace("srgb")
    .resize(256, 256, { fit: "outside", kernel: "linear", fastShrinkOnLoad: false })
    .extract(await centre(name))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const plane = SIDE * SIDE;
  const input = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / (255 * STD[channel]);
    const shift = MEAN[channel] / STD[channel];
    for (let at = 0; at < plane; at++) input[channel * plane + at] = data[3 * at + channel] * scale - shift;
  }
  return input;
}

async function centre(name) {
  const { width, height, orientation = 1 } = await sharp(join(folder, name)).metadata();
  const [across, down] = orientation > 4 ? [height, width] : [width, height];
  const scale = 256 / Math.min(across, down);
  return {
    left: Math.round((Math.round(across * scale) - SIDE) / 2),
    top: Math.round((Math.round(down * scale) - SIDE) / 2),
    width: SIDE,
    height: SIDE,
  };
}

let next = 0;
const decoding = [];
const more = () => {
  while (decoding.length < Number(ahead) && next < names.length) {
    const name = names[next++];
    decoding.push({ name, input: decode(name) });
  }
};

async function work(session) {
  for (;;) {
    more();
    const first = decoding.shift();
    if (!first) return;
    more();
    const input = new ort.Tensor("float32", await first.input, [1, 3, SIDE, SIDE]);
    const results = await session.run({ [session.inputNames[0]]: input });
    const logits = results[session.outputNames[0]].data;
    const best = Array.from(logits.keys())
      .sort((a, b) => logits[b] - logits[a])
      .slice(0, 5);
    file.write(`${JSON.stringify({ image: first.name, best })}\n`);
  }
}

await Promise.all(engines.map(work));
await new Promise((resolve) => file.end(resolve));
