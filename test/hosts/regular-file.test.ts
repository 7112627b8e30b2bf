import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { blockingCalls, readCalls } from "../../src/host/file-calls.js";
import { readRegular } from "../../src/host/regular-file.js";

const folder = mkdtempSync(join(tmpdir(), "resnet-edge-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a file that is read by two threads is whole, and one that is aborted is not read", async () => {
  const file = join(folder, "large");
  const bytes = Buffer.alloc((33 << 20) + 3);
  for (let at = 0; at < bytes.length; at += 4099) bytes[at] = at % 251;
  bytes[bytes.length - 1] = 7;
  writeFileSync(file, bytes);
  expect(Buffer.compare(await readRegular(file, bytes.length), bytes)).toBe(0);
  const signal = AbortSignal.abort(new Error("no more"));
  await expect(readRegular(file, bytes.length, signal)).rejects.toThrow("no more");
  truncateSync(file, 10);
  expect(await readRegular(file, 10)).toHaveLength(10);
});

test.each([
  ["", readCalls],
  ["blocking ", blockingCalls],
])("read by %scalls: bytes and errors", async (_, calls) => {
  const file = join(folder, "small");
  writeFileSync(file, "small");
  const readAt = (path: string, limit = 10) => readRegular(path, limit, null, "<it>", calls);
  expect(Buffer.from(await readAt(file)).toString()).toBe("small");
  await expect(readAt(file, 4)).rejects.toThrow("<it> has 5 bytes; at most 4 are read.");
  await expect(readAt(join(folder, "none"))).rejects.toThrow("No file at <it>; check the path.");
  await expect(readAt(folder)).rejects.toThrow("<it> is a folder, which is not read; name a file.");
});
