// The whole way in Node, step by step, as JSON: node pipeline-rows.js MODEL MIDDLE.jpg LARGE.jpg
import { readFileSync } from "node:fs";
import sharp from "sharp";
import { Resizer } from "../../src/image/fast-resize.js";
import { cropped, normalised } from "../../src/image/preprocess.js";
import { medianOf } from "./median.js";

const [model, middle, large] = process.argv.slice(2) as [string, string, string];
const dist = new URL("../../../dist/", import.meta.url);
const library: typeof import("../../src/entry/node.js") = await import(new URL("node.js", dist).href);
const resizer = new Resizer(new WebAssembly.Module(readFileSync(new URL("pixels.wasm", dist)))).resize;
const spec = {
  resize: 256,
  crop: 224,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  interpolation: "bilinear",
} as const;

const decoded = async (path: string) => {
  const { data, info } = await sharp(readFileSync(path)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: 3 as const };
};
/**
 * `turns`: a small picture takes so little time that an engine has compiled it for good after a hundred, and not after twenty. An input
 * is written to the last one's memory, as `classify` does: fresh memory is another 0.2 ms where the system has to find its pages.
 */
async function prepare(path: string, turns: number): Promise<number> {
  const pixels = await decoded(path);
  let input: Float32Array | undefined;
  return medianOf(turns, () => {
    input = normalised(cropped(pixels, spec, resizer), spec, input);
  });
}

sharp.cache(false);
sharp.concurrency(1);
const options = { device: "cpu", threads: 1 } as const;
const [classifier, network] = [await library.loadClassifier(model, options), await library.loadModel(model, options)];
const input = new Float32Array(3 * 224 * 224).fill(0.5);
const inference = await medianOf(21, () => network.run(input));
const decoder = await medianOf(9, () => decoded(large));
const whole = await medianOf(9, () => classifier.classify(large));
console.log(
  JSON.stringify({
    middlePrepare: await prepare(middle, 200),
    largePrepare: await prepare(large, 21),
    nodeInference: inference,
    nodeLarge: whole / (decoder + inference),
  }),
);
await classifier.close();
await network.close();
process.exit();
