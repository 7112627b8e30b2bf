import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { EntryHost } from "../../src/host/entry-host.js";
import type { Host } from "../../src/host/host.js";
import type { Ask } from "../../src/worker/messages.js";
import { openSession } from "../../src/worker/session.js";

const state = { plan: { stages: [], summary: {} }, stats: {}, doubts: [] };
const facts = { inputShape: [1, 3, 1, 1], labels: null, preprocess: {}, assumed: {} };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/**
 * Workers that start threads for each load with more than one; the start returns in the workers from `returnsFrom` on. Word of the first
 * `unheard` starts' end is never sent.
 */
function hostOf(returnsFrom: number, unheard = 0) {
  const opened: Extract<Ask, { kind: "open" }>[] = [];
  const terminated: number[] = [];
  const host = {
    startWorker() {
      let say!: (news: unknown) => void;
      const own = opened.length;
      const load = (message: Extract<Ask, { kind: "open" }>) => {
        opened.push(message);
        say({ hello: true });
        if (message.options.threads !== 1) {
          for (let start = 0; start < 1 + unheard; start++) say({ hello: true, starting: true });
          if (own < returnsFrom) return;
          say({ hello: true });
        }
        // Longer than a start is waited for: weights are still on their way.
        setTimeout(() => say({ id: 0, value: facts, state }), 60_000);
      };
      return {
        post: (message: Ask) => message.kind === "open" && queueMicrotask(() => load(message)),
        listen(onMessage: (news: never) => void) {
          say = onMessage as typeof say;
        },
        watch() {},
        terminate: () => void terminated.push(own),
        hold() {},
      };
    },
    absolute: (address: string) => address,
  } as unknown as EntryHost;
  return { host, opened, terminated };
}

test("a worker in which the start of a thread never returns is given up, and the model is loaded again with one thread", async () => {
  const { host, opened, terminated } = hostOf(Number.POSITIVE_INFINITY);
  const opening = openSession(host, new ArrayBuffer(8), { threads: 2 });
  await vi.advanceTimersByTimeAsync(100_000);
  const session = await opening;
  expect(session.inputShape).toEqual(facts.inputShape);
  expect(opened.map(({ options, note }) => [options.threads, note])).toEqual([
    [2, undefined],
    [1, expect.stringMatching(/starting a thread took over 10 s/)],
  ]);
  expect(terminated).toEqual([0]);
});

test("where the start returns, the load may take as long as it likes", async () => {
  const { host, opened, terminated } = hostOf(0);
  const opening = openSession(host, new ArrayBuffer(8), { threads: 2 });
  await vi.advanceTimersByTimeAsync(100_000);
  await opening;
  expect(opened).toHaveLength(1);
  expect(terminated).toEqual([]);
});

test("word of a start that is missing before the next one's ends nothing", async () => {
  const { host, opened, terminated } = hostOf(0, 1);
  const opening = openSession(host, new ArrayBuffer(8), { threads: 3 });
  await vi.advanceTimersByTimeAsync(100_000);
  await opening;
  expect(opened).toHaveLength(1);
  expect(terminated).toEqual([]);
});

test("onProgress that throws undefined ends the load, and begins none", async () => {
  const opened: unknown[] = [];
  const host = {
    startWorker() {
      let say!: (news: unknown) => void;
      return {
        post(message: unknown) {
          opened.push(message);
          queueMicrotask(() => say({ progress: {} }));
        },
        listen(onMessage: (news: never) => void) {
          say = onMessage as typeof say;
        },
        terminate() {},
        hold() {},
      };
    },
    absolute: (address: string) => address,
  } as unknown as EntryHost;
  let calls = 0;
  const onProgress = () => {
    if (calls++ < 3) throw undefined;
    throw new Error("the load was begun again");
  };
  const thrown = openSession(host, new ArrayBuffer(8), { onProgress }).then(
    () => "opened",
    (error: unknown) => ({ error }),
  );
  expect(await thrown).toEqual({ error: undefined });
  expect(opened).toHaveLength(1);
});

test("a worker says hello after the start of a thread, also of one that a policy forbids", async () => {
  const said: unknown[] = [];
  const forbidden = new Error("against worker-src");
  let start!: () => unknown;
  vi.doMock("../../src/worker/serve.js", () => ({
    serveSession: (_: unknown, { threadSupport }: Host) => {
      start = () => threadSupport.start();
    },
  }));
  vi.stubGlobal("navigator", {});
  vi.stubGlobal("postMessage", (news: unknown) => said.push(news));
  vi.stubGlobal(
    "Worker",
    class {
      constructor() {
        throw forbidden;
      }
    },
  );
  try {
    await import("../../src/entry/web-worker.js");
    expect(start).toThrow(forbidden);
    expect(said).toEqual([{ hello: true, starting: true }, { hello: true }]);
  } finally {
    vi.unstubAllGlobals();
    vi.doUnmock("../../src/worker/serve.js");
  }
});
