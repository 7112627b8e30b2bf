// A folder of pictures through the command, an older build's command, and onnxruntime-node with sharp: in turns, each in processes of
// its own. Images a second over the whole run, loading included; cores busy; the most memory of all its processes.
// The figures in docs/figures.md are of Node 22 or later: Node 20 has no relaxed SIMD, so that its kernels take longer.
// npm run bench:pipeline -- --images DIR --model FILE [--int8 FILE] [--before CHECKOUT] [--count 2000] [--rounds 3] [--peer]
// --browser: from file to answer in Chromium, beside the figures that each step should reach; see pipeline-browser.mjs.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { folderOf } from "./folder.mjs";
import { median } from "./median.mjs";
import { bundle, installPeers } from "./peers/prepare.mjs";
import { treeOf } from "./process-tree.mjs";

const { values } = parseArgs({
  options: {
    images: { type: "string", default: "examples/photos" },
    model: { type: "string" },
    int8: { type: "string" },
    before: { type: "string" },
    count: { type: "string", default: "2000" },
    rounds: { type: "string", default: "3" },
    peer: { type: "boolean", default: false },
    browser: { type: "boolean", default: false },
  },
});
const cores = availableParallelism();
const root = fileURLToPath(new URL("..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "pipeline-"));

if (values.browser) {
  const { inBrowser } = await import("./pipeline-browser.mjs");
  try {
    await inBrowser({ ...values, rounds: Number(values.rounds) }, work);
  } finally {
    rmSync(work, { recursive: true });
  }
  process.exit();
}

const TICKS_A_SECOND = 100;

async function measure(words, count) {
  const begin = performance.now();
  const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "inherit"], cwd: root });
  const ticks = new Map();
  let most = 0;
  const look = setInterval(() => {
    most = Math.max(most, treeOf(child.pid, ticks));
  }, 200);
  const code = await new Promise((resolve) => child.on("exit", resolve));
  clearInterval(look);
  if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}`);
  const seconds = (performance.now() - begin) / 1000;
  const cpu = [...ticks.values()].reduce((sum, it) => sum + it, 0) / TICKS_A_SECOND;
  return { rate: count / seconds, busy: cpu / seconds / cores, megabytes: most / 1e6 };
}

const count = Number(values.count);
const [major] = process.versions.node.split(".");
console.log(
  `Node ${process.versions.node}, ${cores} cores${major < 22 ? "; figures are of Node 22: this one has no relaxed SIMD" : ""}`,
);
const images = folderOf(values.images, count, join(work, "images"));
const output = join(work, "results.jsonl");
const model = (file) => (file ? ["--model", resolve(file)] : []);
const ours = (checkout, file, ...more) => [
  join(checkout, "bin/resnet-edge.js"),
  "classify",
  images,
  ...model(file),
  ...more,
];
const contenders = [];
if (values.before) {
  contenders.push({ name: "the command before", words: ours(resolve(values.before), values.model, "--json") });
}
contenders.push({ name: "the command", words: ours(root, values.model, "--output", output) });
if (values.int8) contenders.push({ name: "the command, int8", words: ours(root, values.int8, "--output", output) });
if (values.peer) {
  installPeers();
  const onnx = join(work, "model.onnx");
  const converter = await bundle("pipeline-model.ts", "node");
  await measure([converter, resolve(values.model), onnx], 1);
  const script = await bundle("pipeline-ort.mjs", "node");
  for (const [sessions, threads] of [
    [1, cores],
    [cores, 1],
  ]) {
    contenders.push({
      name: `onnxruntime-node with sharp, ${sessions} x ${threads} threads`,
      words: [script, onnx, images, output, `${sessions}`, `${threads}`, `${2 * cores + 2}`],
    });
  }
}

try {
  // What is measured once a machine, and files that are read for the first time.
  for (const { words } of contenders) {
    if (existsSync(output)) rmSync(output);
    await measure(words, count);
  }
  const results = contenders.map(() => []);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [index, { name, words }] of contenders.entries()) {
      if (existsSync(output)) rmSync(output);
      const result = await measure(words, count);
      results[index].push(result);
      console.log(
        `${name.padEnd(44)} ${result.rate.toFixed(1).padStart(7)} images a second  ${(100 * result.busy).toFixed(0).padStart(4)} % of ${cores} cores  ${result.megabytes.toFixed(0).padStart(5)} MB`,
      );
    }
  }
  console.log(`\nmedian of the ratios of rates, over ${values.rounds} rounds in turns:`);
  for (const [index, { name }] of contenders.entries()) {
    const ratios = results[index].map(({ rate }, round) => rate / results[0][round].rate);
    console.log(`${name.padEnd(44)} ${median(ratios).toFixed(2)} of ${contenders[0].name}`);
  }
} finally {
  rmSync(work, { recursive: true });
}
