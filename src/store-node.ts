import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Store } from "./store.js";

/** The user's cache folder, as each system has it. */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const base =
    XDG_CACHE_HOME ||
    (process.platform === "win32" && LOCALAPPDATA) ||
    join(homedir(), process.platform === "darwin" ? "Library/Caches" : ".cache");
  return join(base, "resnet-edge");
}

function fileOf(key: string): string {
  return join(cacheFolder(), `${createHash("sha256").update(key).digest("hex").slice(0, 32)}.json`);
}

/** One file a key. A file is replaced whole, so that another process never reads half of one. */
export const nodeStore: Store = {
  async get(key) {
    return readFile(fileOf(key), "utf8").catch(() => null);
  },
  async set(key, value) {
    const file = fileOf(key);
    await mkdir(cacheFolder(), { recursive: true });
    const temporary = `${file}.${randomUUID()}`;
    await writeFile(temporary, value);
    await rename(temporary, file);
  },
};
