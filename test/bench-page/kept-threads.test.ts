import { expect, test } from "vitest";
import { keepThreads } from "../../bench/page/kept-threads.js";
import { Roof } from "../../src/bench/roof.js";
import type { RoofNews } from "../../src/bench/roof-thread.js";
import type { WorkerHandle } from "../../src/worker/handle/handle.js";

/** Threads that answer when the test says so. As a browser's worker, a dead one takes messages and says nothing. */
class Fake {
  posts = 0;
  terminated = false;
  answer: (news: RoofNews) => void = () => {};
  end: (reason: string) => void = () => {};
  readonly handle: WorkerHandle = {
    post: () => void this.posts++,
    listen: (onMessage, onEnd) => {
      this.answer = onMessage as (news: RoofNews) => void;
      this.end = onEnd;
    },
    watch: () => {},
    terminate: () => {
      this.terminated = true;
    },
    hold: () => {},
  };
}

const ready = { ready: true } as const;
/** An empty module: fakes do not compile it. */
const module = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));

function setup() {
  const fakes: Fake[] = [];
  const start = keepThreads(() => {
    const fake = new Fake();
    fakes.push(fake);
    return fake.handle;
  });
  return { fakes, open: () => Roof.open(module, { threads: 2, shared: false, start }) };
}

test("threads of a closed roof serve the next one", async () => {
  const { fakes, open } = setup();
  const first = open();
  for (const { answer } of fakes) answer(ready);
  (await first).close();
  const second = open();
  expect(fakes.map(({ posts }) => posts)).toEqual([2, 2]);
  for (const { answer } of fakes) answer(ready);
  await second;
});

test("a thread that ends between two roofs is not asked again", async () => {
  const { fakes, open } = setup();
  const first = open();
  for (const { answer } of fakes) answer(ready);
  (await first).close();
  fakes[0]!.end("out of memory");
  const second = open();
  expect(fakes.map(({ posts }) => posts)).toEqual([1, 2, 1]);
  for (const { answer } of fakes.slice(1)) answer(ready);
  await second;
});

test("a thread that ends in a roof fails it, and is not kept", async () => {
  const { fakes, open } = setup();
  const first = open();
  fakes[0]!.answer(ready);
  fakes[1]!.end("out of memory");
  await expect(first).rejects.toThrow("out of memory");
  const second = open();
  expect(fakes.map(({ posts }) => posts)).toEqual([2, 1, 1]);
  fakes[0]!.answer(ready);
  fakes[2]!.answer(ready);
  await second;
});

test("a thread that owes an answer when its roof fails is terminated: the next roof would take it for its own", async () => {
  const { fakes, open } = setup();
  const first = open();
  fakes[0]!.answer({ failed: "no memory" });
  await expect(first).rejects.toThrow("no memory");
  expect(fakes.map(({ terminated }) => terminated)).toEqual([false, true]);
  const second = open();
  expect(fakes.map(({ posts }) => posts)).toEqual([2, 1, 1]);
  fakes[0]!.answer(ready);
  fakes[2]!.answer(ready);
  await second;
});
