import { stat } from "node:fs/promises";
import type { ListedImage } from "../images.js";

/** What shows that a file is the one that was classified. */
export interface Stamp {
  readonly bytes: number;
  /** Its time of change, in UTC to the millisecond: "2026-01-31T23:59:59.999Z". */
  readonly modified: string;
}

/** Null where there is no file, or none that can be asked. */
export async function stampOf({ path }: Pick<ListedImage, "path">): Promise<Stamp | null> {
  if (path instanceof URL) return null;
  try {
    const found = await stat(path);
    return found.isFile() ? { bytes: found.size, modified: found.mtime.toISOString() } : null;
  } catch {
    return null;
  }
}
