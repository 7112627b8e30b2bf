import { expect, test } from "vitest";
import { Queue } from "../src/base/queue.js";

/** Tasks that end when told to, and what was started and answered so far. */
function tasks(width: number) {
  const queue = new Queue(width);
  const ends: ((value: number | Error) => void)[] = [];
  const [started, answered]: [number[], (number | string)[]] = [[], []];
  const add = (id: number, signal?: AbortSignal) => {
    const task = () => {
      started.push(id);
      return new Promise<number>((resolve, reject) => {
        ends[id] = (value) => (value instanceof Error ? reject(value) : resolve(value));
      });
    };
    queue.run(task, signal).then(
      (value) => answered.push(value),
      (error: Error) => answered.push(error.name === "AbortError" ? `aborted ${id}` : error.message),
    );
  };
  return { queue, add, ends, started, answered };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

test.each([1, 2, 3])("%i at a time, started and answered in order, whichever is done first", async (width) => {
  const { add, ends, started, answered } = tasks(width);
  for (let id = 0; id < 6; id++) add(id);
  const done = new Set<number>();
  while (answered.length < 6) {
    await turn();
    expect(started).toEqual([...started.keys()]);
    expect(started.length - answered.length).toBeLessThanOrEqual(width);
    expect(started.length).toBe(Math.min(6, answered.length + width));
    // The latest first.
    const id = started.findLast((it) => !done.has(it))!;
    done.add(id);
    ends[id]!(id === 3 ? new Error("failed 3") : id);
    await turn();
  }
  expect(answered).toEqual([0, 1, 2, "failed 3", 4, 5]);
});

test("an aborted task that waits is answered at once and never started; idle waits for the rest", async () => {
  const { queue, add, ends, started, answered } = tasks(2);
  const abort = new AbortController();
  add(0);
  add(1);
  add(2, abort.signal);
  add(3);
  await turn();
  abort.abort();
  await turn();
  expect(answered).toEqual(["aborted 2"]);
  for (const id of [0, 1]) ends[id]!(id);
  await turn();
  expect(started).toEqual([0, 1, 3]);
  ends[3]!(3);
  await queue.idle();
  expect(answered).toEqual(["aborted 2", 0, 1, 3]);
});
