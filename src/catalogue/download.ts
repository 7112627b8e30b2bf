import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ModelFormatError, SourceError, throwIfAborted } from "../errors.js";

export interface DownloadOptions {
  /** First digits of the file's SHA-256, or all of them; null: not known. */
  readonly sha256: string | null;
  readonly signal?: AbortSignal | null;
  readonly onProgress?: (loaded: number, total: number) => void;
  /** Attempts in a row that bring nothing; 5 by default. */
  readonly attempts?: number;
  /** Silence for so long counts as a broken connection; 30 s by default. */
  readonly silenceMs?: number;
  /** Wait before the second attempt, doubled for each one after it; 500 ms by default. */
  readonly backoffMs?: number;
}

/** What is on disk of a file that is not whole: `etag` ties it to one version of it. */
interface Part {
  readonly url: string;
  readonly etag: string | null;
}

/** Worth another attempt. */
class Interruption extends Error {}

/**
 * Downloads a file to `target`, going on from what an earlier attempt left in `target`.part. The file appears under its name when
 * it is whole and its hash is right, and not before. Throws SourceError (unreachable, refused, broken off again and again) or
 * ModelFormatError (not the file that was meant; nothing of it is kept).
 */
export async function download(url: string, target: string, options: DownloadOptions): Promise<void> {
  await mkdir(dirname(target), { recursive: true }).catch((cause) => {
    throw new SourceError(
      `${dirname(target)} cannot be written to: ${cause.message}. Set XDG_CACHE_HOME to a folder that can.`,
    );
  });
  const unlock = await lock(`${target}.lock`, options.signal);
  try {
    if (await sizeOf(target)) return;
    const part = `${target}.part`;
    const { attempts = 5, backoffMs = 500 } = options;
    for (let failures = 0; ; ) {
      const before = await sizeOf(part);
      try {
        await continueFrom(url, part, options);
        break;
      } catch (error) {
        throwIfAborted(options.signal);
        if (!(error instanceof Interruption)) throw error;
        failures = (await sizeOf(part)) > before ? 1 : failures + 1;
        if (failures >= attempts) {
          throw new SourceError(
            `${url} broke off ${failures} times in a row (${error.message}); ${await sizeOf(part)} bytes are kept. Pull again to go on from there.`,
          );
        }
        await pause(backoffMs * 2 ** (failures - 1), options.signal);
      }
    }
    const found = await hashOf(part);
    if (options.sha256 && !found.startsWith(options.sha256)) {
      await forget(part);
      throw new ModelFormatError(
        `${url} has the SHA-256 ${found.slice(0, 16)}..., not ${options.sha256.slice(0, 16)}...: it was damaged on its way, or is another file. Nothing was kept; pull again, or from another mirror.`,
      );
    }
    await rename(part, target);
    await rm(`${part}.json`, { force: true });
  } finally {
    await unlock();
  }
}

async function continueFrom(url: string, part: string, options: DownloadOptions): Promise<void> {
  const silence = new AbortController();
  const { silenceMs = 30_000 } = options;
  let timer = setTimeout(() => silence.abort(), silenceMs);
  const signals = [silence.signal, ...(options.signal ? [options.signal] : [])];
  const known = await readPart(part);
  const resumable = known?.url === url && known.etag !== null;
  const have = resumable ? await sizeOf(part) : 0;
  try {
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    if (have > 0) Object.assign(headers, { range: `bytes=${have}-`, "if-range": known!.etag! });
    const response = await fetch(url, { headers, signal: AbortSignal.any(signals) }).catch((cause) => {
      throw new Interruption(`${cause.message}${cause.cause ? `: ${cause.cause.message}` : ""}`);
    });
    const { status } = response;
    if (status === 416) {
      await forget(part);
      throw new Interruption("the server knows no such range");
    }
    if (status >= 500 || status === 429 || status === 408) throw new Interruption(`the server answered ${status}`);
    if (!response.ok)
      throw new SourceError(`${url} answered ${status} ${response.statusText}. Check the name or the mirror.`);
    if (/text\/html/i.test(response.headers.get("content-type") ?? "")) {
      throw new ModelFormatError(
        `${url} answered with a web page, not a model: a login, a proxy or a wrong mirror. Open it in a browser.`,
      );
    }
    const range = /bytes (\d+)-\d+\/(\d+)/.exec(response.headers.get("content-range") ?? "");
    const going = status === 206 && range !== null && Number(range[1]) === have;
    if (status === 206 && !going) {
      await forget(part);
      throw new Interruption("the server sent another range than was asked for");
    }
    const length = Number(response.headers.get("content-length") ?? 0);
    const total = going ? Number(range[2]) : length;
    const etag = response.headers.get("etag");
    // A weak tag does not promise the same bytes.
    await writeFile(`${part}.json`, JSON.stringify({ url, etag: etag?.startsWith("W/") ? null : etag } satisfies Part));
    const file = await open(part, going ? "a" : "w");
    let loaded = going ? have : 0;
    try {
      for await (const chunk of response.body ?? []) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), silenceMs);
        await file.write(chunk as Uint8Array);
        loaded += (chunk as Uint8Array).length;
        options.onProgress?.(loaded, total);
      }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOSPC") {
        throw new SourceError(
          `The disk is full after ${loaded} bytes of ${url}. Make room, and pull again to go on from there.`,
        );
      }
      throw new Interruption((cause as Error).message);
    } finally {
      await file.close();
    }
    if (total && loaded !== total) throw new Interruption(`${loaded} of ${total} bytes came`);
  } finally {
    clearTimeout(timer);
  }
}

async function readPart(part: string): Promise<Part | null> {
  try {
    return JSON.parse(await readFile(`${part}.json`, "utf8")) as Part;
  } catch {
    return null;
  }
}

async function forget(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(`${part}.json`, { force: true });
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => null))?.size ?? 0;
}

export async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** One process at a time: the others wait, and then find the file. A lock whose owner has died is taken over. */
async function lock(file: string, signal: AbortSignal | null | undefined): Promise<() => Promise<void>> {
  for (;;) {
    throwIfAborted(signal);
    try {
      await writeFile(file, String(process.pid), { flag: "wx" });
      return () => rm(file, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") {
        throw new SourceError(
          `${file} cannot be written: ${(cause as Error).message}. Set XDG_CACHE_HOME to a folder that can.`,
        );
      }
    }
    const owner = Number(await readFile(file, "utf8").catch(() => ""));
    if (owner && !alive(owner)) await rm(file, { force: true });
    await pause(100, signal);
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function pause(ms: number, signal: AbortSignal | null | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
