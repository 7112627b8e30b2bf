import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Mailbox } from "../../src/worker/mailbox.js";

/** Tasks that were posted and have not run. */
let tasks: (() => void)[] = [];
let now = 0;
let page: Mailbox;
let worker: Mailbox;

beforeEach(async () => {
  tasks = [];
  now = 0;
  vi.resetModules();
  vi.stubGlobal("scheduler", { postTask: (task: () => void) => tasks.push(task) });
  vi.stubGlobal("crossOriginIsolated", true);
  vi.stubGlobal("navigator", { hardwareConcurrency: 2 });
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const { Mailbox } = await import("../../src/worker/mailbox.js");
  worker = Mailbox.open(3, 2)!;
  page = new Mailbox(worker.memory, 3);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** One turn of the event loop. */
function turn(): void {
  for (const task of tasks.splice(0)) task();
}

test("both ends see the same input and logits, which do not overlap", () => {
  page.input.set([1, 2, 3]);
  worker.logits.set([4, 5]);
  expect([...worker.input, ...page.logits]).toEqual([1, 2, 3, 4, 5]);
});

test("what is put while the other end looks is taken once, in its next task", () => {
  const taken: number[] = [];
  worker.request.watch(1, (id) => taken.push(id));
  expect(page.request.put(7)).toBe(true);
  expect(page.request.put(8)).toBe(false);
  expect(taken).toEqual([]);
  turn();
  turn();
  expect(taken).toEqual([7]);
  expect(tasks).toEqual([]);
});

test("nothing is put where nobody looks: before, after the time is up, and after it was shut", () => {
  const take = vi.fn();
  expect(page.request.put(1)).toBe(false);
  worker.request.watch(1, take);
  now = 1.1;
  turn();
  expect(page.request.put(2)).toBe(false);
  worker.request.watch(1, take);
  worker.request.shut();
  expect(page.request.put(3)).toBe(false);
  turn();
  expect(take).not.toHaveBeenCalled();
  expect(tasks).toEqual([]);
});

test("what came before the time was up is taken, however late the task", () => {
  const taken: number[] = [];
  worker.request.watch(1, (id) => taken.push(id));
  page.request.put(7);
  now = 100;
  turn();
  expect(taken).toEqual([7]);
});

test("word that is there is taken before a message is read, and when the slot is shut", () => {
  const taken: number[] = [];
  worker.request.watch(1, (id) => taken.push(id));
  worker.request.look();
  page.request.put(1);
  worker.request.look();
  expect(taken).toEqual([1]);
  worker.request.watch(1, (id) => taken.push(id));
  page.request.put(2);
  worker.request.shut();
  expect(taken).toEqual([1, 2]);
});

test("to look longer loses nothing that has come meanwhile", () => {
  const taken: number[] = [];
  worker.request.watch(1, (id) => taken.push(id));
  page.request.put(1);
  worker.request.watch(1, (id) => taken.push(id));
  turn();
  expect(taken).toEqual([1]);
});

test("whoever takes may look for more at once, in the same tasks", () => {
  const taken: number[] = [];
  const take = (id: number) => {
    taken.push(id);
    worker.request.watch(1, take);
  };
  worker.request.watch(1, take);
  for (let id = 0; id < 5; id++) {
    expect(page.request.put(id)).toBe(true);
    turn();
    expect(tasks).toHaveLength(1);
  }
  expect(taken).toEqual([0, 1, 2, 3, 4]);
});

test.each([
  ["no isolation", { crossOriginIsolated: false }],
  ["no shared memory", { SharedArrayBuffer: undefined }],
  ["no task scheduler", { scheduler: undefined }],
  ["no tasks of low priority", { scheduler: {} }],
  ["one core", { navigator: { hardwareConcurrency: 1 } }],
])("no mailbox: %s", async (_, globals) => {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  vi.resetModules();
  const { Mailbox } = await import("../../src/worker/mailbox.js");
  expect(Mailbox.open(3, 2)).toBeUndefined();
});
