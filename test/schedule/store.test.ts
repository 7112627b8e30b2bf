import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { nodeStore } from "../../src/host/store-node.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resnet-edge-"));
  vi.stubEnv("XDG_CACHE_HOME", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test("keeps texts under keys of any length, and replaces them whole", async () => {
  const key = "x".repeat(10_000);
  expect(await nodeStore.get(key)).toBeNull();
  await nodeStore.set(key, "one");
  await Promise.all(Array.from({ length: 20 }, (_, index) => nodeStore.set(key, `text ${index}`.repeat(1000))));
  expect(await nodeStore.get(key)).toMatch(/^(text (\d+))\1{999}$/);
  expect(readdirSync(join(folder, "resnet-edge"))).toHaveLength(1);
  expect(await nodeStore.get("another")).toBeNull();
});

test("a folder that cannot be written: the promise rejects, and reading gives nothing", async () => {
  writeFileSync(join(folder, "resnet-edge"), "a file where the folder should be");
  await expect(nodeStore.set("key", "value")).rejects.toThrow();
  expect(await nodeStore.get("key")).toBeNull();
});
