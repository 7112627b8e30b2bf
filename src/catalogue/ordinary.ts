import { lstat } from "node:fs/promises";
import { SourceError } from "../errors.js";

/**
 * Throws `SourceError` where a path in the cache is neither free nor an ordinary file. A link is not followed: it would
 * have us write where somebody else points.
 */
export async function refuseOther(file: string): Promise<void> {
  const found = await lstat(file).catch(() => null);
  if (!found || found.isFile()) return;
  const kind = found.isSymbolicLink() ? "a symbolic link" : found.isDirectory() ? "a folder" : "no ordinary file";
  throw new SourceError(`${file} is ${kind}, where a file of the cache should be. Remove it, and pull again.`);
}
