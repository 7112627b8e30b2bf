import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "bullmq";
import { loadClassifier } from "resnet-edge";
import { processName } from "./files.js";
import { baseOf, classifyAll } from "./pictures.js";
import { connect, type Done, MOST_DEATHS, nameOf, type Progress, type ShardJob } from "./queue.js";
import { exists, isDone, mergedIn, writePart } from "./results.js";
import { hashOf, namesIn, type Run, readRun, type Shard } from "./run.js";

export interface WorkOptions {
  readonly redis: string;
  /** Where this machine has the pictures; else where the producer has them. */
  readonly base: string | undefined;
  readonly model: string;
  readonly threads: number;
  /** How long nobody hears of a worker before its shard is another's. */
  readonly lockMs: number;
}

const LOOK_MS = 500;
const SAY_MS = 1000;

/** Works on a run's shards until it is over, or until `signal`: then the shard under way is finished. */
export async function work(folder: string, options: WorkOptions, signal: AbortSignal): Promise<void> {
  const { threads, lockMs, model } = options;
  // A worker's thread is kept from its event loop, so that the lock on the shard is renewed in time.
  const loading = loadClassifier(model, { threads, device: "cpu" });
  // Who waits for it, below, hears of a failure; the model is loaded before anybody has begun the run.
  loading.catch(() => {});
  const run = await began(folder, signal);
  const classifier = await loading;
  if (!run) return classifier.close();
  if ((await hashOf(model)) !== run.model) {
    throw new Error(`${model} is not the model that the run in ${folder} was begun with.`);
  }
  const connection = connect(options.redis);
  const base = options.base === undefined ? run.base : baseOf(options.base);
  const one = async (job: ShardJob): Promise<Done> => {
    const said = { worker: processName, pictures: job.data.pictures };
    // Another worker died, or was given up, between its results and its word.
    if (await isDone(folder, job.data)) return said;
    const names = await namesIn(folder, job.data);
    let last = performance.now();
    const results = await classifyAll(classifier, base, names, run.topK, (pictures) => {
      if (performance.now() - last < SAY_MS) return;
      last = performance.now();
      job.updateProgress({ worker: processName, pictures } satisfies Progress).catch(() => {});
    });
    await writePart(folder, job.data, results);
    return said;
  };
  const worker = new Worker<Shard, Done>(nameOf(run), one, {
    connection,
    name: processName,
    lockDuration: lockMs,
    stalledInterval: lockMs / 2,
    maxStalledCount: MOST_DEATHS,
    drainDelay: 1,
  });
  // A server that is away is waited for.
  worker.on("error", (error) => console.error(`${processName}: ${error.message || error}`));
  try {
    while (!signal.aborted && !(await exists(mergedIn(folder)))) {
      await sleep(LOOK_MS, null, { signal }).catch(() => {});
    }
  } finally {
    await worker.close();
    await classifier.close();
    connection.disconnect();
  }
}

/** The run, once somebody has begun it; null where `signal` comes first. */
async function began(folder: string, signal: AbortSignal): Promise<Run | null> {
  for (;;) {
    const run = await readRun(folder);
    if (run || signal.aborted) return run;
    await sleep(LOOK_MS, null, { signal }).catch(() => {});
  }
}
