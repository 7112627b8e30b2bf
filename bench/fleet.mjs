// Workers of examples/fleet with their queue, and as many processes without one, in turns. Images a second from the start of the
// processes to the last result: loading, Redis and merging included.
// npm run bench:fleet -- --images DIR --model FILE [--count 1000] [--shard 100] [--workers 1,2,3] [--rounds 3]
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildFleet, bundleFleet } from "../scripts/fleet.mjs";
import { folderOf } from "./folder.mjs";
import { median } from "./median.mjs";

const { values } = parseArgs({
  options: {
    images: { type: "string", default: "examples/photos" },
    model: { type: "string", default: "models/cifar110-resnet20x2.int8.safetensors" },
    count: { type: "string", default: "1000" },
    shard: { type: "string", default: "100" },
    workers: { type: "string", default: "1,2,3" },
    rounds: { type: "string", default: "3" },
  },
});
const work = mkdtempSync(join(tmpdir(), "fleet-"));
const count = Number(values.count);
const images = folderOf(values.images, count, join(work, "images"));
const model = resolve(values.model);
const fleet = await buildFleet();
const alone = await bundleFleet("bench/fleet-alone.ts");
const port = await new Promise((found) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => found(port));
  });
});
const redis = spawn("redis-server", ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", work], {
  stdio: "ignore",
});

function run(words) {
  const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  return new Promise((ended, failed) => {
    child.on("close", (code) => (code === 0 ? ended() : failed(new Error(`${words.join(" ")}: ${said}`))));
  });
}

const each = (workers, start) => Promise.all(Array.from({ length: workers }, (_, at) => start(at)));

async function withoutQueue(workers) {
  const begin = performance.now();
  await each(workers, (at) => run([alone, images, model, join(work, `${at}.jsonl`), `${at}`, `${workers}`]));
  return (1000 * count) / (performance.now() - begin);
}

let runs = 0;
async function withQueue(workers) {
  const shared = ["--run", join(work, `run-${runs++}`), "--model", model, "--redis", `redis://127.0.0.1:${port}`];
  const begin = performance.now();
  const ended = each(workers, () => run([fleet, "work", ...shared]));
  await run([fleet, "produce", ...shared, "--from", images, "--shard", values.shard]);
  const rate = (1000 * count) / (performance.now() - begin);
  await ended;
  return rate;
}

try {
  // What is measured once a machine, and files that are read for the first time.
  await withoutQueue(1);
  for (const workers of values.workers.split(",").map(Number)) {
    const rates = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      rates.push([await withQueue(workers), await withoutQueue(workers)]);
    }
    const [queued, free] = [0, 1].map((at) => median(rates.map((pair) => pair[at])));
    const ratio = median(rates.map(([a, b]) => a / b));
    console.log(
      `${workers} workers: ${queued.toFixed(1)} images a second, ${free.toFixed(1)} without the queue; median of ratios ${ratio.toFixed(3)}`,
    );
  }
} finally {
  redis.kill();
  rmSync(work, { recursive: true });
}
