import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { EntryHost } from "../../src/host/entry-host.js";
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

/** Workers that start a thread for each load with more than one; the start returns in the workers from `returnsFrom` on. */
function hostOf(returnsFrom: number) {
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
          say({ starting: true });
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
