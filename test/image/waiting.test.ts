import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { decodeApart } from "../../src/image/decoder-process.js";
import { frame } from "../../src/image/framing.js";

/** How long a picture may take here, and how long each takes. */
const [LIMIT_MS, WORK_MS] = [600, 200];

vi.mock("../../src/limits.js", async (original) => ({
  ...(await original<typeof import("../../src/limits.js")>()),
  DECODE_MS: 600,
}));
vi.mock("node:fs", async (original) => ({ ...(await original<typeof import("node:fs")>()), existsSync: () => true }));
vi.mock("node:child_process", async (original) => ({
  ...(await original<typeof import("node:child_process")>()),
  fork: () => slowDecoder(),
}));

/** A process whose every picture is one black pixel, after a while; one of two bytes never comes. */
function slowDecoder(): EventEmitter {
  const steady = { ref() {}, unref() {} };
  const stdin = Object.assign(new PassThrough(), steady);
  const stdout = Object.assign(new PassThrough(), steady);
  const child = Object.assign(new EventEmitter(), steady, {
    stdin,
    stdout,
    kill: () => child.emit("exit", null, "SIGKILL"),
  });
  stdout.write(frame([2, 0, 0], 0));
  let isBody = false;
  stdin.on("data", async (bytes: Buffer) => {
    isBody = !isBody;
    if (isBody || bytes.length === 2) return;
    await sleep(WORK_MS);
    stdout.write(frame([0, 1, 1], 3));
    stdout.write(Buffer.alloc(3));
  });
  return child;
}

test("a picture that waits behind others is not late: only its own work counts", async () => {
  const begin = performance.now();
  const pictures = await Promise.all(Array.from({ length: 12 }, () => decodeApart(Buffer.alloc(1), "it")));
  expect(performance.now() - begin).toBeGreaterThan(LIMIT_MS);
  expect(pictures.map(({ width }) => width)).toEqual(Array(12).fill(1));
});

test("a picture that never ends is late, and those behind it are answered", async () => {
  const stuck = [1, 2].map(() => decodeApart(Buffer.alloc(2), "stuck").catch((error: Error) => error.message));
  const behind = decodeApart(Buffer.alloc(1), "it");
  expect(await Promise.all(stuck)).toEqual(Array(2).fill("stuck took more than 0.6 s to decode."));
  expect(await behind).toMatchObject({ width: 1, height: 1 });
});

test("pictures that were given up, but come in time all the same, leave their decoders to those who wait", async () => {
  const controllers = [new AbortController(), new AbortController()];
  const given = controllers.map(({ signal }) => decodeApart(Buffer.alloc(1), "it", signal).catch(() => "given up"));
  const behind = decodeApart(Buffer.alloc(1), "it");
  await sleep(WORK_MS - 50);
  for (const controller of controllers) controller.abort();
  expect(await Promise.all(given)).toEqual(["given up", "given up"]);
  expect(await Promise.race([behind, sleep(4 * WORK_MS, "nobody came")])).toMatchObject({ width: 1, height: 1 });
});
