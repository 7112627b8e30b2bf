import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";

/** No two processes that share a folder have the same: containers may share a host's name and have one process number. */
export const processName = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;

let written = 0;

/**
 * Writes a file whole or not at all: under another name first, which a kill may leave behind, and which nobody reads. Where the
 * file is there already, the new one takes its place.
 */
export async function writeWhole(path: string, write: (file: FileHandle) => Promise<unknown>): Promise<void> {
  const part = `${path}.${processName}-${written++}.part`;
  const file = await open(part, "wx");
  try {
    await write(file);
    await file.sync();
    await file.close();
    await rename(part, path);
  } catch (error) {
    await file.close().catch(() => {});
    await rm(part, { force: true });
    throw error;
  }
  // The name is on the disk once its folder is.
  const folder = await open(dirname(path), "r");
  await folder.sync().finally(() => folder.close());
}
