// The second half of npm run test:gpu: f16 and times on the GPU that Dawn finds in Node, beside onnxruntime-web's WebGPU and
// PyTorch's CUDA where that is installed, into bench/results/gpu/ADAPTER.json. MODELS, SIZE and ROUNDS make it shorter.
import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundle, installPeers } from "./peers/prepare.mjs";

installPeers();
const lastLine = (file, words) => {
  const output = execFileSync(file, words, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  return JSON.parse(output.trim().split("\n").at(-1));
};
const found = lastLine(process.execPath, [await bundle("gpu.ts", "node")]);
if (found.skip) {
  console.error(`No GPU was timed: ${found.skip}`);
  process.exit(1);
}
let torch;
try {
  torch = lastLine("python3", [fileURLToPath(new URL("peers/gpu-torch.py", import.meta.url))]);
} catch (error) {
  torch = { skip: `python3 failed: ${error.message}` };
}
const { results: torchResults = [], ...pytorch } = torch;
const results = [...found.results, ...torchResults].toSorted((a, b) => a.model.localeCompare(b.model));
const name = found.adapter.replaceAll(/[^\w]+/g, "-").toLowerCase();
const folder = new URL("results/gpu/", import.meta.url);
await mkdir(folder, { recursive: true });
await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify({ ...found, pytorch, results }, null, 2)}\n`);
console.log(`${found.adapter}, ${found.size}x${found.size}, ms from data on the host to logits there`);
for (const { model, engine, precision, images, median, min, error } of results) {
  const time = error ?? `${String(images).padStart(2)} images: ${median.toFixed(2)}, at least ${min.toFixed(2)}`;
  console.log(`${model.padEnd(10)} ${engine.padEnd(16)} ${precision ?? ""}  ${time}`);
}
if (pytorch.skip) console.log(`PyTorch: ${pytorch.skip}`);
