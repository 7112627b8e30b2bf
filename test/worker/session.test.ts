import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import type { EntryHost } from "../../src/host/entry-host.js";
import { nodeHost } from "../../src/host/node.js";
import type { LoadOptions, ModelSource } from "../../src/options.js";
import { openInPlace } from "../../src/session/open.js";
import { nodeWorker } from "../../src/worker/handle/node.js";
import { openSession } from "../../src/worker/session.js";
import { root, smallModel } from "../built.js";
import { wasm } from "../cpu/engine.js";
import { resnet18File } from "./resnet18.js";

const workers: Worker[] = [];
/** Node's host on the built worker, whose worker the test can kill. */
const inPlace = { ...nodeHost, wasm };
const host: EntryHost = {
  ...nodeHost,
  openInPlace: (...all) => openInPlace(inPlace, ...all),
  startWorker() {
    const worker = new Worker(new URL("dist/node-worker.js", root));
    workers.push(worker);
    return nodeWorker(worker);
  },
};
const model = new URL("models/cifar10-resnet20.safetensors", root);
const photo = new URL("examples/photos/cat.jpg", root);
const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const session of opened.splice(0)) await session.close();
  workers.length = 0;
});

async function open(source: ModelSource, options: LoadOptions = {}, on = host) {
  const session = await openSession(on, source, options);
  opened.push(session);
  return session;
}

const pixels = (seed: number) => ({
  data: Uint8Array.from({ length: 32 * 32 * 3 }, (_, at) => (at * (seed + 3)) % 251),
  width: 32,
  height: 32,
});

test("a session in a worker is the session in place", async () => {
  const there = await open(model);
  const here = await openInPlace(inPlace, model);
  expect(workers).toHaveLength(1);
  for (const name of ["inputShape", "labels", "preprocess", "stats", "plan"] as const) {
    expect(there[name]).toEqual(here[name]);
  }
  expect(String(there.plan)).toBe(String(here.plan));
  const input = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, at) => Math.sin(at));
  expect(await there.run(input)).toEqual(await here.run(input));
  expect(await there.classify(photo, { topK: 3 })).toEqual(await here.classify(photo, { topK: 3 }));
  await here.close();
});

test("what the caller gave stays the caller's", async () => {
  const bytes = resnet18File();
  const session = await open(bytes, { threads: 1, inputSize: 64 });
  expect(bytes.byteLength).toBeGreaterThan(46e6);
  const input = new Float32Array(3 * 64 * 64).fill(1);
  const image = pixels(1);
  const buffer = Buffer.from("no image");
  const calls = [session.run(input), session.classify(image, {}), session.classify(buffer, {})];
  const [logits, , bad] = await Promise.allSettled(calls);
  expect(logits).toMatchObject({ status: "fulfilled", value: { length: 1000 } });
  expect(bad).toMatchObject({ reason: { name: "ImageDecodeError" } });
  expect([input.length, image.data.length, buffer.length]).toEqual([3 * 64 * 64, 3072, 8]);
});

test("the caller's event loop is free while a network runs", async () => {
  const session = await open(resnet18File(), { threads: 1 });
  const input = new Float32Array(3 * 224 * 224).fill(0.5);
  await session.run(input);
  const start = performance.now();
  let turns = 0;
  let running = true;
  const turn = () => {
    turns++;
    if (running) setImmediate(turn);
  };
  turn();
  for (let run = 0; run < 5; run++) await session.run(input);
  running = false;
  // Five inferences are some 250 ms; in place there would be a turn or two for each.
  expect(performance.now() - start).toBeGreaterThan(20);
  expect(turns).toBeGreaterThan(200);
});

test("1,000 concurrent calls, some aborted: answered in order, the aborted at once, memory flat", async () => {
  const session = await open(model);
  const rounds: number[] = [];
  for (let round = 0; round < 3; round++) {
    const order: number[] = [];
    const controllers: AbortController[] = [];
    const calls = Array.from({ length: 1000 }, (_, index) => {
      const controller = new AbortController();
      controllers.push(controller);
      const call = session.classify(pixels(index % 5), { topK: 1, signal: controller.signal });
      call.then(
        () => order.push(index),
        () => {},
      );
      return call;
    });
    const aborted = (index: number) => index % 10 === 3;
    let answered = 0;
    setImmediate(() => {
      for (const [index, controller] of controllers.entries()) if (aborted(index)) controller.abort();
    });
    const expected = (await Promise.all([0, 1, 2, 3, 4].map((seed) => session.classify(pixels(seed), {})))).map(
      ([best]) => best,
    );
    for (const [index, result] of (await Promise.allSettled(calls)).entries()) {
      if (result.status === "rejected") {
        expect(aborted(index)).toBe(true);
        expect(result.reason.name).toBe("AbortError");
        continue;
      }
      answered++;
      expect(result.value[0]).toEqual(expected[index % 5]);
    }
    // The first aborted ones may have been answered before they were aborted.
    expect(answered).toBeGreaterThanOrEqual(900);
    expect(answered).toBeLessThan(910);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    rounds.push(process.memoryUsage().rss);
  }
  expect(rounds[2]! - rounds[1]!).toBeLessThan(24e6);
}, 60_000);

describe("a worker that dies", () => {
  test("takes with it what it was working on; the next request starts another", async () => {
    const session = await open(smallModel);
    const [, c, h, w] = session.inputShape;
    const input = Float32Array.from({ length: c * h * w }, (_, at) => Math.sin(at));
    const expected = await session.run(input);
    for (let death = 1; death <= 3; death++) {
      const calls = Array.from({ length: 20 }, () => session.run(input));
      await workers.at(-1)!.terminate();
      const results = await Promise.allSettled(calls);
      const lost = results.filter(({ status }) => status === "rejected");
      expect(lost.length).toBeLessThanOrEqual(2);
      for (const { reason } of lost as PromiseRejectedResult[]) {
        expect(reason.name).toBe("WorkerError");
        expect(reason.message).toMatch(/exited/);
      }
      for (const result of results) if (result.status === "fulfilled") expect(result.value).toEqual(expected);
      expect(await session.run(input)).toEqual(expected);
      expect(workers).toHaveLength(1 + death);
    }
  });

  test("while idle costs no request", async () => {
    const session = await open(smallModel);
    await workers[0]!.terminate();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const [, c, h, w] = session.inputShape;
    expect((await session.run(new Float32Array(c * h * w))).length).toBeGreaterThan(0);
    expect(workers).toHaveLength(2);
  });

  test("for good: typed errors, and no hang", async () => {
    let allowed = true;
    const fickle: EntryHost = {
      ...host,
      startWorker() {
        if (!allowed) throw new Error("not today");
        return host.startWorker();
      },
    };
    const session = await open(smallModel, {}, fickle);
    allowed = false;
    await workers[0]!.terminate();
    const [, c, h, w] = session.inputShape;
    const calls = [1, 2, 3].map(() => session.run(new Float32Array(c * h * w)));
    for (const { reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[]) {
      expect(reason.name).toBe("WorkerError");
    }
    allowed = true;
    expect((await session.run(new Float32Array(c * h * w))).length).toBeGreaterThan(0);
  });

  test("while loading: a typed error", async () => {
    const loading = openSession(host, resnet18File(), {
      onProgress: () => void workers[0]!.terminate(),
    });
    await expect(loading).rejects.toMatchObject({ name: "WorkerError" });
  });
});

describe("where no worker can be had, the session is in place and says why", () => {
  const input = new Float32Array(3 * 32 * 32);
  const without = (startWorker: EntryHost["startWorker"]): EntryHost => ({ ...host, startWorker });
  test.each<[string, EntryHost, LoadOptions, RegExp]>([
    [
      "no constructor",
      without(() => {
        throw new Error("Worker is not defined");
      }),
      {},
      /in place: Worker is not defined/,
    ],
    [
      "no file",
      without(() => nodeWorker(new Worker(new URL("dist/nothing.js", root)))),
      {},
      /in place: Cannot find module/,
    ],
    [
      "a file that is something else",
      without(() => nodeWorker(new Worker("process.exit(7)", { eval: true }))),
      {},
      /in place: it exited with code 7/,
    ],
    ["options that cannot be sent", host, { labels: new Proxy([..."abcdefghij"], {}) }, /in place: .*cannot be sent/],
    ["as asked", host, { worker: false }, /^(?!.*in place)/],
  ])("%s", async (_, on, options, reason) => {
    const session = await open(model, { threads: 1, ...options }, on);
    expect(session.stats.threadsReason).toMatch(reason);
    expect((await session.run(input)).length).toBe(10);
  });
});

test("an aborted load leaves no worker behind", async () => {
  const controller = new AbortController();
  const loading = openSession(host, resnet18File(), { signal: controller.signal });
  loading.catch(() => {});
  while (workers.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const exited = new Promise((resolve) => workers[0]!.once("exit", resolve));
  controller.abort();
  await expect(loading).rejects.toMatchObject({ name: "AbortError" });
  await exited;
});

test("close answers what was asked, ends the worker, and refuses the rest", async () => {
  const session = await openSession(host, smallModel);
  const exited = new Promise((resolve) => workers[0]!.once("exit", resolve));
  const [, c, h, w] = session.inputShape;
  const calls = Array.from({ length: 10 }, () => session.run(new Float32Array(c * h * w)));
  await session.close();
  expect(await Promise.all(calls)).toHaveLength(10);
  await exited;
  await session.close();
  await expect(session.run(new Float32Array(c * h * w))).rejects.toMatchObject({ name: "ClosedError" });
});

test("options that are none", async () => {
  for (const worker of [true, 3, null]) {
    await expect(openSession(host, smallModel, { worker: worker as never })).rejects.toMatchObject({
      name: "OptionError",
    });
  }
});
