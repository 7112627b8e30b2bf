import { createHash, randomUUID } from "node:crypto";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { SourceError } from "../errors.js";
import { mkdir, readFile, rename, stat, writeFile } from "./file-calls.js";
import type { Store } from "./store.js";

/** The user's cache folder, as each system has it. */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const base =
    XDG_CACHE_HOME ||
    (process.platform === "win32" && LOCALAPPDATA) ||
    join(home(), process.platform === "darwin" ? "Library/Caches" : ".cache");
  return join(base, "resnet-edge");
}

/** A container's user may have none. A folder that everybody can write to would be no place for models. */
function home(): string {
  try {
    return homedir();
  } catch (cause) {
    throw new SourceError("This user has no home folder. Set XDG_CACHE_HOME to a folder for the cache.", { cause });
  }
}

function fileOf(key: string): string {
  return join(cacheFolder(), `${createHash("sha256").update(key).digest("hex").slice(0, 32)}.json`);
}

/** Makes a folder and those above it. Node's `recursive` tries for ever where a file system has no room for any, as /proc. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const above = dirname(path);
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && above !== path) {
      await makeFolder(above);
      // A second failure is final; another process may have been first.
      await mkdir(path).catch(async (cause) => {
        if (!(await isFolder(path))) throw cause;
      });
    } else if (!(await isFolder(path))) throw error;
  }
}

const isFolder = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** One file a key. A file is replaced whole, so that another process never reads half of one. */
export const nodeStore: Store = {
  async get(key) {
    return readFile(fileOf(key), "utf8").catch(() => null);
  },
  async set(key, value) {
    const file = fileOf(key);
    await makeFolder(cacheFolder());
    const temporary = `${file}.${randomUUID()}`;
    await writeFile(temporary, value);
    await rename(temporary, file);
  },
};
