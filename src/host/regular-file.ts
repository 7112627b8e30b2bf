import { constants, type Stats } from "node:fs";
import { fileURLToPath } from "node:url";
import { SourceError, throwIfAborted } from "../errors.js";
import { readCalls } from "./file-calls.js";

/** Bytes: a name that is no UTF-8. */
type Path = string | Buffer;

/** Bytes read between two looks at an abort. */
const PIECE = 32 << 20;

/** What is at a path, links followed; null where nothing is. Throws `SourceError` where that cannot be told. */
export async function statPath(path: Path, name = `${path}`, { stat } = readCalls): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    const what = code === "ELOOP" ? "is a link that leads to itself" : `could not be read: ${message}`;
    throw new SourceError(`${name} ${what}.`, { cause });
  }
}

/** What a path names where that is no file with bytes in it; null where it is one. */
export function specialKind(found: Stats): string | null {
  if (found.isFile()) return null;
  if (found.isDirectory()) return "a folder";
  if (found.isFIFO()) return "a pipe (FIFO)";
  if (found.isSocket()) return "a socket";
  return "a device";
}

/** A regular file, open for reading; `use` gets its descriptor and its size. A pipe, socket, device or folder is named and never opened. */
export async function withFile<T>(
  path: Path,
  use: (file: number, size: number) => Promise<T>,
  name?: string,
  calls = readCalls,
): Promise<T> {
  const { file, size } = await openRegular(path, name, calls);
  try {
    return await use(file, size);
  } finally {
    await calls.close(file);
  }
}

/** As `withFile`; the descriptor is the caller's to close. */
export async function openRegular(
  path: Path,
  name = `${path}`,
  calls = readCalls,
): Promise<{ file: number; size: number }> {
  const found = await statPath(path, name, calls);
  if (!found) {
    const cause = await calls.stat(path).catch((error) => error);
    throw new SourceError(`No file at ${name}; check the path.`, { cause });
  }
  refuseSpecial(name, found);
  // Where a pipe has taken the file's place meanwhile, opening must not wait for its writer.
  const file = await calls.open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause) => {
    throw new SourceError(`${name} could not be read: ${cause.message}.`, { cause });
  });
  try {
    const opened = await calls.fstat(file);
    refuseSpecial(name, opened);
    return { file, size: opened.size };
  } catch (error) {
    await calls.close(file);
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
  { read } = readCalls,
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

/** A whole file of at most `limit` bytes. `name`: of the file, in messages. */
export function readRegular(
  path: Path,
  limit: number,
  signal?: AbortSignal | null,
  name = `${path}`,
  calls = readCalls,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = async (file: number, size: number) => {
    checkSize(name, size, limit);
    const bytes = new Uint8Array(size);
    // Fresh memory is what reading waits for most: two threads bring it in nearly half of the time.
    const half = size > PIECE ? size >> 1 : size;
    const parts = [0, half].map((from) => {
      const part = bytes.subarray(from, from === 0 ? half : size);
      return readInto(file, name, part, from, signal, calls);
    });
    // The descriptor is open until neither reads any more.
    for (const part of await Promise.allSettled(parts)) if (part.status === "rejected") throw part.reason;
    return bytes;
  };
  return withFile(path, whole, name, calls);
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
