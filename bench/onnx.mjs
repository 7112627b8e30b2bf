// One network from an ONNX file and from safetensors, in turns: `npm run bench:onnx -- model.onnx model.safetensors`. States the ratios of
// loads and of runs, and fails where the kernels differ, a load takes more than 1.3 of the time, or a run more than 1.02.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { loadModel } from "../dist/node.js";
import { median } from "./median.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "9" }, size: { type: "string", default: "224" } },
});
if (positionals.length !== 2)
  throw new Error("usage: npm run bench:onnx -- model.onnx model.safetensors [--rounds 9] [--size 224]");
const files = positionals.map((name) => resolve(name));
const [rounds, inputSize] = [Number(values.rounds), Number(values.size)];
const input = Float32Array.from({ length: 3 * inputSize * inputSize }, (_, at) => Math.sin(0.37 * at));

async function measure(file) {
  let begin = performance.now();
  const model = await loadModel(file, { threads: 1, device: "cpu", inputSize });
  const load = performance.now() - begin;
  const runs = [];
  for (let run = 0; run < 18; run++) {
    begin = performance.now();
    await model.run(input);
    if (run >= 3) runs.push(performance.now() - begin);
  }
  const { kernels } = model.stats;
  await model.close();
  return { load, run: median(runs), kernels };
}

const measured = files.map(() => []);
for (let round = 0; round <= rounds; round++) {
  const order = round % 2 ? [1, 0] : [0, 1];
  for (const index of order) {
    const found = await measure(files[index]);
    // The first of each finds the machine's tile and kernels, and keeps them.
    if (round > 0) measured[index].push(found);
  }
}
const [onnx, other] = measured;
const ratio = (key) => median(onnx.map((it, round) => it[key] / other[round][key]));
const [load, run] = [ratio("load"), ratio("run")];
for (const [name, all] of [
  ["ONNX", onnx],
  ["safetensors", other],
]) {
  const [ms, each] = ["load", "run"].map((key) => median(all.map((it) => it[key])).toFixed(1));
  console.log(`${name.padEnd(11)} load ${ms} ms, run ${each} ms, ${all.at(-1).kernels}`);
}
console.log(`ONNX over safetensors, medians of ${rounds} rounds: load ${load.toFixed(3)}, run ${run.toFixed(3)}`);
const isSame = onnx.at(-1).kernels === other.at(-1).kernels;
process.exitCode = isSame && load <= 1.3 && run <= 1.02 ? 0 : 1;
