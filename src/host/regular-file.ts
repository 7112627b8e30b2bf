import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SourceError, throwIfAborted } from "../errors.js";
import { close, fstat, open, read, stat } from "./file-calls.js";

/** Where a pipe has taken a file's place meanwhile, opening must not wait for its writer. */
const OPEN = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Bytes read between two looks at an abort. */
const PIECE = 32 << 20;

/** What is at a path, links followed; null where nothing is. Throws `SourceError` where that cannot be told. */
export async function statPath(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): SourceError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const what = code === "ELOOP" ? "is a link that leads to itself" : `could not be read: ${message}`;
  return new SourceError(`${path} ${what}.`, { cause });
}

const noFile = (path: string, cause: unknown) => new SourceError(`No file at ${path}; check the path.`, { cause });

/** What a path names where that is no file with bytes in it; null where it is one. */
export function specialKind(found: Stats): string | null {
  if (found.isFile()) return null;
  if (found.isDirectory()) return "a folder";
  if (found.isFIFO()) return "a pipe (FIFO)";
  if (found.isSocket()) return "a socket";
  return "a device";
}

/** A regular file, open for reading; `use` gets its descriptor and its size. A pipe, socket, device or folder is named and never opened. */
export async function withFile<T>(path: string, use: (file: number, size: number) => Promise<T>): Promise<T> {
  const { file, size } = await openRegular(path);
  try {
    return await use(file, size);
  } finally {
    await close(file);
  }
}

/** As `withFile`; the descriptor is the caller's to close. */
export async function openRegular(path: string): Promise<{ file: number; size: number }> {
  const found = await statPath(path);
  if (!found) {
    const cause = await stat(path).catch((error) => error);
    throw noFile(path, cause);
  }
  refuseSpecial(path, found);
  const file = await open(path, OPEN).catch((cause) => {
    throw new SourceError(`${path} could not be read: ${cause.message}.`, { cause });
  });
  try {
    const opened = await fstat(file);
    refuseSpecial(path, opened);
    return { file, size: opened.size };
  } catch (error) {
    await close(file);
    throw error;
  }
}

function refuseSpecial(path: string, found: Stats): void {
  const kind = specialKind(found);
  if (kind) throw new SourceError(`${path} is ${kind}, which is not read; name a file.`);
}

/** Fills `target` with a file's bytes from `from` on. */
export async function readInto(
  file: number,
  path: string,
  target: Uint8Array,
  from: number,
  signal?: AbortSignal | null,
): Promise<void> {
  for (let at = 0; at < target.length; ) {
    throwIfAborted(signal);
    const length = Math.min(PIECE, target.length - at);
    const { bytesRead } = await read(file, target, at, length, from + at).catch((cause) => {
      throw new SourceError(`${path} could not be read: ${cause.message}.`, { cause });
    });
    if (bytesRead === 0) throw new SourceError(`${path} became shorter while it was read. Load it again.`);
    at += bytesRead;
  }
  throwIfAborted(signal);
}

export function checkSize(path: string, size: number, limit: number): void {
  if (size > limit) throw new SourceError(`${path} has ${size} bytes; at most ${limit} are read.`);
}

/** A whole file of at most `limit` bytes. */
export function readRegular(
  path: string,
  limit: number,
  signal?: AbortSignal | null,
): Promise<Uint8Array<ArrayBuffer>> {
  return withFile(path, async (file, size) => {
    checkSize(path, size, limit);
    const bytes = new Uint8Array(size);
    // Fresh memory is what reading waits for most: two threads bring it in nearly half of the time.
    const half = size > PIECE ? size >> 1 : size;
    const parts = [0, half].map((from) => {
      const part = bytes.subarray(from, from === 0 ? half : size);
      return readInto(file, path, part, from, signal);
    });
    // The descriptor is open until neither reads any more.
    for (const part of await Promise.allSettled(parts)) if (part.status === "rejected") throw part.reason;
    return bytes;
  });
}

/** As `readRegular`, at once, for a process that decodes, and where there can be none. `name`: of the file, in messages. */
export function readRegularSync(path: string | Buffer, name: string, limit: number): Uint8Array {
  let file: number | undefined;
  try {
    refuseSpecial(name, statSync(path));
    file = openSync(path, OPEN);
    const opened = fstatSync(file);
    refuseSpecial(name, opened);
    checkSize(name, opened.size, limit);
    const bytes = new Uint8Array(opened.size);
    for (let at = 0; at < bytes.length; ) {
      const count = readSync(file, bytes, at, bytes.length - at, at);
      if (count === 0) throw new SourceError(`${name} became shorter while it was read. Load it again.`);
      at += count;
    }
    return bytes;
  } catch (error) {
    if (error instanceof SourceError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw code === "ENOENT" || code === "ENOTDIR" ? noFile(name, error) : unreadable(name, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** A path as it is; a `file:` URL's, where drives and shares are Windows' on request. Throws `SourceError` for what has none. */
export function pathOf(source: string | URL, windows = process.platform === "win32"): string {
  if (typeof source === "string" && !source.startsWith("file:")) return source;
  try {
    return fileURLToPath(`${source}`, { windows });
  } catch (cause) {
    throw new SourceError(`${source} names no file: ${(cause as Error).message}.`, { cause });
  }
}
