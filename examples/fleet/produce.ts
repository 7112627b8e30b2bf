import { setTimeout as sleep } from "node:timers/promises";
import type { Queue } from "bullmq";
import { Dashboard } from "./dashboard.js";
import { addShards, connect, type Done, openEvents, openQueue, outstanding } from "./queue.js";
import { merge, mergedIn, reopen, shardsLeft } from "./results.js";
import { beginRun, type Shard, type Wanted } from "./run.js";

export interface ProduceOptions extends Wanted {
  readonly redis: string;
  /** Shards that wait in Redis at most: they are all of a run that it has. */
  readonly ahead: number;
}

export interface Summary {
  readonly pictures: number;
  readonly failed: number;
  readonly seconds: number;
  readonly workers: number;
  /** Shards that another worker took over. */
  readonly lost: number;
  readonly output: string;
}

const LOOK_MS = 100;
/** Once so many shards were given up, no more are added: what fails is not the pictures. */
const MOST_GIVEN_UP = 100;
/** Shards that are added at a time, at most. */
const BATCH = 200;

/**
 * Has all pictures answered by whatever workers there are, and merges the results. What the folder has of an earlier run is kept:
 * the folder says what is done, Redis only who does what is not.
 */
export async function produce(folder: string, options: ProduceOptions): Promise<Summary> {
  const start = performance.now();
  const run = await beginRun(folder, options);
  await reopen(folder);
  const connection = connect(options.redis);
  const listening = connect(options.redis);
  const queue = openQueue(run, connection);
  const events = openEvents(run, listening);
  let left = 0;
  for await (const { pictures } of shardsLeft(folder, run)) left += pictures;
  await events.waitUntilReady();
  const board = new Dashboard(run, run.pictures - left, events);
  try {
    // What was given up in an earlier run is tried again.
    await queue.clean(0, 0, "failed");
    // Once more, where Redis has lost jobs: after that nothing is left to add.
    while (await addAll(queue, shardsLeft(folder, run), options.ahead));
  } finally {
    board.stop();
    await events.close();
    await queue.close();
    connection.disconnect();
    listening.disconnect();
  }
  const failed = await merge(folder, run);
  const seconds = (performance.now() - start) / 1000;
  return {
    pictures: run.pictures,
    failed,
    seconds,
    workers: board.workers.size,
    lost: board.lost,
    output: mergedIn(folder),
  };
}

/**
 * Adds shards, no more than `ahead` beyond those that are finished, and waits for all of them. False where there were none; throws
 * where some are given up.
 */
async function addAll(queue: Queue<Shard, Done>, shards: AsyncIterable<Shard>, ahead: number): Promise<boolean> {
  let any = false;
  let batch: Shard[] = [];
  const add = async () => {
    while ((await outstanding(queue)) > ahead - batch.length) await sleep(LOOK_MS);
    // Those that were given up lie in Redis as well: where storage is away, all of them would.
    if ((await queue.getFailedCount()) >= Math.min(ahead, MOST_GIVEN_UP)) throw await givenUp(queue);
    await addShards(queue, batch);
    batch = [];
  };
  for await (const shard of shards) {
    any = true;
    if (batch.push(shard) >= Math.min(BATCH, ahead)) await add();
  }
  if (batch.length > 0) await add();
  while ((await outstanding(queue)) > 0) await sleep(LOOK_MS);
  if ((await queue.getFailedCount()) > 0) throw await givenUp(queue);
  return any;
}

/** What a run ends in that not every shard of it could be answered. */
async function givenUp(queue: Queue<Shard, Done>): Promise<Error> {
  const [count, [first]] = [await queue.getFailedCount(), await queue.getFailed(0, 0)];
  return new Error(
    `${count} shards were given up, ${first?.id} for: ${first?.failedReason} The same command tries them again.`,
  );
}
