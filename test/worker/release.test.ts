import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import type { EntryHost } from "../../src/host/entry-host.js";
import type { Host } from "../../src/host/host.js";
import { nodeHost } from "../../src/host/node.js";
import { openInPlace } from "../../src/session/open.js";
import { nodeWorker } from "../../src/worker/handle/node.js";
import { openSession } from "../../src/worker/session.js";
import { root, smallModel } from "../built.js";
import { wasm } from "../cpu/engine.js";

const black = { data: new Uint8Array(32 * 32 * 3), width: 32, height: 32, channels: 3 as const };
const aborted = { name: "AbortError" };

test("the caller's side closes what it made to send, where that is not sent", async () => {
  let closed = 0;
  const controller = new AbortController();
  const host: EntryHost = {
    ...nodeHost,
    openInPlace: () => Promise.reject(new Error("no worker")),
    startWorker: () => nodeWorker(new Worker(new URL("dist/node-worker.js", root))),
    async sendImage(image) {
      if (image === "late") controller.abort();
      const made = { close: () => closed++ };
      return [made, [made as unknown as Transferable]];
    },
  };
  const session = await openSession(host, smallModel);
  await expect(session.classify("late", { signal: controller.signal })).rejects.toMatchObject(aborted);
  await expect(session.features({ what: "embed", image: "no transferable" })).rejects.toThrow();
  await session.close();
  expect(closed).toBe(2);
});

/** A session in place that decodes when told to, and what it has released. */
async function openWaiting(model: URL) {
  const released: unknown[] = [];
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const host: Host = {
    ...nodeHost,
    wasm,
    crop: undefined,
    async decode() {
      await opened;
      return black;
    },
    release: (image) => released.push(image),
  };
  return { session: await openInPlace(host, model), released, open };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

test("the worker's side releases each image once: after it was read, or at once where it never will be", async () => {
  const { session, released, open } = await openWaiting(smallModel);
  const controller = new AbortController();
  const { signal } = controller;
  // Two are under way at a time.
  const begun = [session.classify("begun", { signal }), session.features({ what: "embed", image: "second" })];
  const queued = [
    session.classify("queued", { signal }),
    session.features({ what: "embed", image: "queued embed" }, signal),
  ];
  const last = session.classify("last", {});
  await turn();
  controller.abort();
  for (const given of [begun[0], ...queued]) await expect(given).rejects.toMatchObject(aborted);
  await expect(session.classify("too late", { signal })).rejects.toMatchObject(aborted);
  await turn();
  expect(released).toEqual(["queued", "queued embed", "too late"]);
  open();
  await Promise.all([begun[1], last]);
  await session.close();
  await expect(session.classify("closed", {})).rejects.toMatchObject({ name: "ClosedError" });
  await turn();
  expect(released.slice(3)).toEqual(["begun", "second", "last", "closed"]);
});

test("an image for a network without classes is released", async () => {
  const { session, released } = await openWaiting(new URL("test/fixtures/networks/features.safetensors", root));
  await expect(session.classify("it", {})).rejects.toMatchObject({ name: "UnsupportedModelError" });
  expect(released).toEqual(["it"]);
  await session.close();
});
