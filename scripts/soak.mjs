// A long life, played fast: npm run soak -- --minutes 60 --seed 1
// Loads, classifies, aborts, kills workers and closes at random, over two networks, in workers and in place. Every answer is
// compared with the one that the network gave at the start; memory and answers are printed each minute. Exits with 1 where an
// answer is wrong, a call is never answered, an error is not a typed one, or memory grows.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const { values } = parseArgs({
  options: { minutes: { type: "string" }, seconds: { type: "string" }, seed: { type: "string" } },
});
const seconds = values.seconds === undefined ? 60 * number("minutes", 1) : number("seconds", 60);
const seed = number("seed", 1);

function number(name, otherwise) {
  const value = Number(values[name] ?? otherwise);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`);
  return value;
}

// Before the library: every worker that it starts can be killed from here, as a system short of memory would.
const threads = createRequire(import.meta.url)("node:worker_threads");
const alive = new Set();
const { Worker } = threads;
threads.Worker = class extends Worker {
  constructor(...given) {
    super(...given);
    alive.add(this);
    this.once("exit", () => alive.delete(this));
  }
};
(await import("node:module")).syncBuiltinESMExports();

const dist = new URL("../dist/node.js", import.meta.url);
const { loadClassifier, loadModel, ResnetEdgeError } = await import(dist.href);

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** Mulberry32: the same seed is the same life, as far as threads allow. */
let state = seed >>> 0;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];

const file = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const models = [
  "models/cifar110-resnet20x2.int8.safetensors",
  "models/cifar10-resnet20.safetensors",
  "test/fixtures/networks/basic.safetensors",
].map(file);
const images = [
  ...["cat.jpg", "coffee.jpg", "horse.png", "rocket.jpg"].map((name) => file(`examples/photos/${name}`)),
  { data: Uint8Array.from({ length: 3 * 40 * 32 }, (_, at) => (at * 7) % 251), width: 40, height: 32 },
];
const broken = [
  Buffer.from("no image"),
  file("package.json"),
  "/nowhere.png",
  { data: new Uint8Array(5), width: 1, height: 1 },
];

/** Of each model: what each image and one tensor come to, as the first load says. */
const truths = new Map();
for (const source of models) {
  const options = { worker: false, threads: 1 };
  const classifier = await loadClassifier(source, options);
  const answers = await classifier.classify(images, { topK: 110 });
  await classifier.close();
  const model = await loadModel(source, options);
  const input = Float32Array.from({ length: model.input.shape.reduce((a, b) => a * b) }, (_, at) => Math.sin(at));
  truths.set(source, { answers, input, logits: (await model.run(input)).logits });
  await model.close();
}

const counts = { loads: 0, answers: 0, aborted: 0, killed: 0, refused: 0, lost: 0 };
const faults = [];
const fault = (text) => {
  faults.push(text);
  console.error(`FAULT: ${text}`);
};

const isClose = (a, b) => Math.abs(a - b) <= 1e-3 * Math.max(1, Math.abs(b));

/** One call, of which something is known: it is compared, or it fails as it should. */
async function call(opened, source) {
  const truth = truths.get(source);
  const controller = random() < 0.15 ? new AbortController() : null;
  const options = controller ? { signal: controller.signal } : {};
  if (controller) setTimeout(() => controller.abort(), below(20));
  const bad = random() < 0.1;
  const at = below(images.length);
  try {
    if ("run" in opened) {
      const { logits } = await opened.run(bad ? truth.input.subarray(1) : truth.input, options);
      if (bad) fault(`${source}: an input that is one value short was answered`);
      else if (!logits.every((logit, index) => isClose(logit, truth.logits[index]))) fault(`${source}: wrong logits`);
    } else {
      const answer = await opened.classify(bad ? pick(broken) : images[at], { ...options, topK: 110 });
      if (bad) fault(`${source}: what is no image was answered`);
      const expected = truth.answers[at];
      const same = answer.every(({ index, score }) => isClose(score, expected.find((it) => it.index === index).score));
      if (!bad && (answer.length !== expected.length || !same)) fault(`${source}: wrong answer for image ${at}`);
    }
    counts.answers++;
  } catch (error) {
    if (error.name === "AbortError" && controller) counts.aborted++;
    else if (error.name === "WorkerError") counts.lost++;
    else if (error instanceof ResnetEdgeError && bad) counts.refused++;
    else fault(`${source}: ${error.name}: ${error.message}`);
  }
}

/** One model's life. */
async function life() {
  const source = pick(models);
  const given = pick([source, () => readFileSync(source), () => new Blob([readFileSync(source)])]);
  const controller = random() < 0.1 ? new AbortController() : null;
  if (controller) setTimeout(() => controller.abort(), below(60));
  const options = { worker: pick(["auto", "auto", false]), threads: pick([1, 1, 2]), device: "cpu" };
  let opened;
  try {
    const load = random() < 0.5 ? loadModel : loadClassifier;
    opened = await load(typeof given === "function" ? given() : given, { ...options, signal: controller?.signal });
    counts.loads++;
  } catch (error) {
    if (controller && error.name === "AbortError") counts.aborted++;
    else if (error.name === "WorkerError") counts.lost++;
    else fault(`loading ${source}: ${error.name}: ${error.message}`);
    return;
  }
  for (let burst = below(4); burst >= 0; burst--) {
    const calls = Array.from({ length: 1 + below(12) }, () => call(opened, source));
    if (alive.size > 0 && random() < 0.1) {
      counts.killed++;
      setTimeout(() => pick([...alive])?.terminate(), below(10));
    }
    await answered(Promise.all(calls), `${calls.length} calls of ${source}`);
    if (random() < 0.2) await sleep(below(30));
  }
  const late = call(opened, source);
  await answered(Promise.all([opened.close(), late]), `closing ${source}`);
}

/** A minute without an answer is none. */
async function answered(promise, what) {
  let timer;
  const never = new Promise((resolve) => {
    timer = setTimeout(resolve, 60_000, "never");
  });
  if ((await Promise.race([promise, never])) === "never") fault(`${what}: not answered in a minute`);
  clearTimeout(timer);
}

/** MB that are held once all is collected: of the process, and of JavaScript. */
async function memory() {
  for (let pass = 0; pass < 3; pass++) {
    collect();
    await sleep(50);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  const mb = (bytes) => Math.round(bytes / 1e5) / 10;
  return { rss: mb(rss), heap: mb(heapUsed), external: mb(external) };
}

process.on("unhandledRejection", (error) => fault(`nobody was told of ${error?.stack ?? error}`));
process.on("warning", ({ name, message }) => fault(`warned: ${name}: ${message}`));

const start = performance.now();
const passed = () => (performance.now() - start) / 1000;
const interval = Math.min(60, seconds / 6);
const samples = [];
console.log(`${seconds} s, seed ${seed}`);
for (let next = interval; passed() < seconds && faults.length < 20; ) {
  await Promise.all([life(), life()]);
  if (passed() < next) continue;
  next = passed() + interval;
  const now = await memory();
  samples.push(now);
  const tally = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  console.log(
    `${Math.round(passed())} s: ${tally.join(", ")}; MB: rss ${now.rss}, heap ${now.heap}, external ${now.external}; ${alive.size} threads`,
  );
}

// The first third settles pools and compiled code; after it the second half may not hold more than the first.
const settled = samples.slice(Math.ceil(samples.length / 3));
const median = (name, list) => list.map((it) => it[name]).toSorted((a, b) => a - b)[list.length >> 1] ?? 0;
const half = settled.length >> 1;
for (const [name, allowance] of [
  ["heap", 4],
  ["external", 8],
  ["rss", 60],
]) {
  const [before, after] = [median(name, settled.slice(0, half)), median(name, settled.slice(half))];
  if (half > 0 && after > 1.1 * before + allowance) fault(`${name} grew from ${before} to ${after} MB`);
}
await sleep(1500);
if (alive.size > 0) fault(`${alive.size} threads outlived their models`);
console.log(faults.length === 0 ? "no faults" : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
