import type { EventEmitter } from "node:events";
import { expect, test, vi } from "vitest";

/** A model whose opening begins and ends when the test says so, and the worker's side of its port. */
const fake = vi.hoisted(() => ({
  begin() {},
  end(_: object) {},
  port: null as EventEmitter | null,
  words: [] as object[],
}));

vi.mock("../../src/session/open.js", () => ({
  openInPlace: () =>
    new Promise((resolve) => {
      fake.end = resolve;
      fake.begin();
    }),
}));
vi.mock("node:worker_threads", async (original) => {
  const { EventEmitter } = await import("node:events");
  fake.port = new EventEmitter();
  const parentPort = Object.assign(fake.port, { postMessage: (word: object) => fake.words.push(word) });
  const workerData = { source: "model", load: {}, ranked: { topK: 1 }, logits: false };
  return { ...(await original<object>()), parentPort, workerData };
});

const preprocess = { mean: [0, 0, 0], std: [1, 1, 1], crop: 1 };
const session = {
  network: { architecture: {} },
  classes: 2,
  stats: {},
  doubts: [],
  preprocess,
  checkClasses() {},
  startWatch() {},
  rank() {},
  answer: async () => ({ logits: new Float32Array(2), predictions: [] }),
};

test("a worker answers what it was given before its model is open, which Deno keeps for nobody", async () => {
  const begun = new Promise<void>((resolve) => {
    fake.begin = resolve;
  });
  const importing = import("../../src/cli/archive/worker.js");
  await begun;
  await new Promise(setImmediate);
  fake.port!.emit("message", { id: 7, rgb: new Uint8Array(3) });
  fake.port!.emit("message", { last: true });
  fake.end(session);
  await importing;
  await vi.waitFor(() => expect(fake.words.at(-1)).toEqual({ passed: true }));
  expect(fake.words).toMatchObject([{ ready: { preprocess } }, { id: 7, answer: { predictions: [] } }, {}]);
});
