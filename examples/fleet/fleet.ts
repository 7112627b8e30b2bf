// A folder or a listing of pictures, classified by workers on any number of machines: see README.md.
import { parseArgs } from "node:util";
import { produce } from "./produce.js";
import { work } from "./work.js";

const USAGE = `fleet produce --run DIR --from FOLDER|LISTING --model FILE [--base FOLDER|URL] [--shard 500] [--ahead 1000] [--top-k 5]
fleet work    --run DIR --model FILE [--base FOLDER|URL] [--threads 1] [--lock 30]
both:         [--redis redis://localhost:6379]`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    run: { type: "string" },
    from: { type: "string" },
    base: { type: "string" },
    model: { type: "string" },
    shard: { type: "string", default: "500" },
    ahead: { type: "string", default: "1000" },
    "top-k": { type: "string", default: "5" },
    threads: { type: "string", default: "1" },
    lock: { type: "string", default: "30" },
    redis: { type: "string", default: process.env.REDIS_URL ?? "redis://localhost:6379" },
  },
});

class UsageError extends Error {}

function given(name: "run" | "from" | "model"): string {
  const value = values[name];
  if (!value) throw new UsageError(`--${name} is missing.`);
  return value;
}

function number(name: "shard" | "ahead" | "top-k" | "threads" | "lock"): number {
  const value = Number(values[name]);
  if (!(Number.isInteger(value) && value > 0)) throw new UsageError(`--${name} must be a whole number from 1.`);
  return value;
}

async function main(): Promise<void> {
  const [command, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`"${more[0]}" is one word too many.`);
  const { base, redis } = values;
  if (command === "produce") {
    const summary = await produce(given("run"), {
      from: given("from"),
      base,
      model: given("model"),
      topK: number("top-k"),
      shardSize: number("shard"),
      ahead: number("ahead"),
      redis,
    });
    const { pictures, failed, seconds, workers, lost, output } = summary;
    console.log(
      `${pictures} pictures in ${seconds.toFixed(1)} s by ${workers} workers; ${failed} failed; ${lost} shards were taken over; ${output}`,
    );
  } else if (command === "work") {
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
    const options = { redis, base, model: given("model"), threads: number("threads"), lockMs: 1000 * number("lock") };
    await work(given("run"), options, stop.signal);
  } else throw new UsageError(command ? `There is no command "${command}".` : "Name a command.");
}

main().then(
  // Connections that are still being made keep no one.
  () => process.exit(0),
  (error: Error) => {
    console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : `fleet: ${error.message}`);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);
