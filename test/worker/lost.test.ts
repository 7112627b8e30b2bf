import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { EntryHost } from "../../src/host/entry-host.js";
import type { Mailbox } from "../../src/worker/mailbox.js";
import type { Ask } from "../../src/worker/messages.js";

beforeEach(() => {
  vi.resetModules();
  // No task runs: what lies in the mailbox is found only by whoever shuts it.
  vi.stubGlobal("scheduler", { postTask: () => {} });
  // A busy machine must not be seen as an answer that is looked for too long: a hundredth of a ms a question.
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => {
    now += 0.01;
    return now;
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const state = { plan: { stages: [], summary: {} }, stats: {}, doubts: [] };
const facts = { inputShape: [1, 3, 1, 1], labels: null, preprocess: {}, assumed: {} };

/** A session whose workers are played by the test. */
async function scene() {
  const { openSession } = await import("../../src/worker/session.js");
  const { Mailbox } = await import("../../src/worker/mailbox.js");
  const memory = new SharedArrayBuffer(1024);
  const workers: { asked: (Ask & { id: number })[]; say: (news: unknown) => void; end: (reason: string) => void }[] =
    [];
  const host = {
    startWorker() {
      const asked: (Ask & { id: number })[] = [];
      const worker = { asked, say: (_: unknown) => {}, end: (_: string) => {} };
      workers.push(worker);
      return {
        post(message: Ask & { id: number }) {
          asked.push(message);
          if (message.kind === "open") queueMicrotask(() => worker.say({ id: 0, value: facts, state }));
          // The first answer brings the mailbox.
          if (message.kind === "run") {
            const value = message.input.map((it) => 2 * it);
            queueMicrotask(() => worker.say({ id: message.id, value, mailbox: memory }));
          }
        },
        listen(onMessage: (news: never) => void, onEnd: (reason: string) => void) {
          worker.say = onMessage as (news: unknown) => void;
          worker.end = onEnd;
        },
        watch() {},
        terminate() {},
        hold() {},
      };
    },
    absolute: (address: string) => address,
  } as unknown as EntryHost;
  const session = await openSession(host, new ArrayBuffer(8));
  const other: Mailbox = new Mailbox(memory, 3);
  return { session, workers, other };
}

const input = Float32Array.of(1, 2, 3);

test("a worker that leaves an answer in the mailbox and is lost: the answer is the caller's, and the next call has a new worker", async () => {
  const { session, workers, other } = await scene();
  expect(await session.run(input)).toEqual(input.map((it) => 2 * it));
  const second = session.run(input);
  await new Promise((resolve) => setTimeout(resolve));
  const { asked, end } = workers[0]!;
  expect(asked.map(({ kind }) => kind)).toEqual(["open", "run", "collect"]);
  expect([...other.input]).toEqual([...input]);
  other.logits.set([7, 8, 9]);
  expect(other.answer.put(asked.at(-1)!.id)).toBe(true);
  end("killed");
  expect([...(await second).subarray(0, 3)]).toEqual([7, 8, 9]);
  expect(await session.run(input)).toEqual(input.map((it) => 2 * it));
  expect(workers).toHaveLength(2);
});

test("a worker that is lost before it answers: an error says so, and the next call has a new worker", async () => {
  const { session, workers } = await scene();
  await session.run(input);
  const second = session.run(input);
  await new Promise((resolve) => setTimeout(resolve));
  workers[0]!.end("killed");
  await expect(second).rejects.toMatchObject({ name: "WorkerError", message: /during this request \(killed\)/ });
  expect(await session.run(input)).toEqual(input.map((it) => 2 * it));
});
