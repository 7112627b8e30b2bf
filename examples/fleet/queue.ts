import { type Job, Queue, QueueEvents } from "bullmq";
import { Redis } from "ioredis";
import type { Run, Shard } from "./run.js";

/** What a worker says of a shard that it has finished; the results themselves do not go through Redis. */
export interface Done {
  readonly worker: string;
  readonly pictures: number;
}

/** What a worker says of a shard under way. */
export interface Progress {
  readonly worker: string;
  readonly pictures: number;
}

export type ShardJob = Job<Shard, Done>;

/** Workers that may die over a shard before it is set aside: it may be what kills them. */
export const MOST_DEATHS = 10;
/** Times that a shard is tried where it fails, as by storage that is away. */
const ATTEMPTS = 3;

export const nameOf = ({ id }: Run) => `fleet-${id}`;

/** Waits for a server that is away, as workers must. */
export const connect = (url: string) => new Redis(url, { maxRetriesPerRequest: null });

export const openQueue = (run: Run, connection: Redis) => new Queue<Shard, Done>(nameOf(run), { connection });

export const openEvents = (run: Run, connection: Redis) => new QueueEvents(nameOf(run), { connection });

/** Adds shards; one that is there already stays as it is. */
export async function addShards(queue: Queue<Shard, Done>, shards: readonly Shard[]): Promise<void> {
  const opts = { attempts: ATTEMPTS, backoff: { type: "exponential", delay: 1000 }, removeOnComplete: true };
  await queue.addBulk(shards.map((data) => ({ name: "shard", data, opts: { ...opts, jobId: `shard-${data.index}` } })));
}

/** Shards that wait or are worked on. */
export async function outstanding(queue: Queue<Shard, Done>): Promise<number> {
  const counts = await queue.getJobCounts("waiting", "active", "delayed", "prioritized");
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
