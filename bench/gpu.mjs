// The second half of npm run test:gpu: f16 and times on the GPU that Dawn finds in Node, into bench/results/gpu-ADAPTER.json
import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { bundle } from "./peers/prepare.mjs";

const file = await bundle("gpu.ts", "node");
const output = execFileSync(process.execPath, [file], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const found = JSON.parse(output.trim().split("\n").at(-1));
if (found.skip) {
  console.error(`No GPU was timed: ${found.skip}`);
  process.exit(1);
}
const name = found.adapter.replaceAll(/[^\w]+/g, "-").toLowerCase();
const folder = new URL("results/gpu/", import.meta.url);
await mkdir(folder, { recursive: true });
await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(found, null, 2)}\n`);
console.log(`${found.adapter}, ${found.size}x${found.size}`);
for (const { model, precision, images, median, error } of found.results) {
  console.log(`${model.padEnd(10)} ${precision}  ${error ?? `${images} in a row: ${median.toFixed(2)} ms`}`);
}
