import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ModelFormatError, ResnetEdgeError, SourceError, throwIfAborted } from "../errors.js";
import { makeFolder } from "../host/store-node.js";
import { lock } from "./lock.js";
import { refuseOther } from "./ordinary.js";
import { Part } from "./part.js";
import { pause } from "./pause.js";
import { Interruption, reasonOf, request } from "./request.js";

export interface DownloadOptions {
  /** First digits of the file's SHA-256, or all of them; null: what the host states, if it does. */
  readonly sha256: string | null;
  /** Throws for a length that cannot be the file's: nothing of it is fetched. */
  readonly checkLength?: (bytes: number) => void;
  /** Most bytes that are written where the host states no length of its own; without it there is no bound then. */
  readonly mostBytes?: number;
  /** Throws for a file that is not what was meant. Asked where no hash was given, before the file takes its place. */
  readonly verify?: (file: string) => Promise<void>;
  readonly signal?: AbortSignal | null;
  readonly onProgress?: (loaded: number, total: number) => void;
  readonly onRetry?: (reason: string, waitMs: number) => void;
  /** Attempts without progress between them; 5 by default. */
  readonly attempts?: number;
  /** Next to nothing (`LEAST_BYTES`) for so long counts as a broken connection; 30 s by default. */
  readonly silenceMs?: number;
  /** Wait before the second attempt, doubled for each one after it; 500 ms by default. */
  readonly backoffMs?: number;
}

/** What the file was compared with: the digits that were given, those that the host stated, or none. */
export interface Downloaded {
  readonly sha256: string;
  readonly checked: "given" | "stated" | null;
  /** Bytes that were there before. */
  readonly resumedFrom: number;
}

/** Less than this is no progress: a host that breaks off after every few bytes is given up. */
const PROGRESS = 256 << 10;
const LONGEST_WAIT_MS = 30_000;
/** A host that drips is as good as silent. */
const LEAST_BYTES = 16 << 10;

/**
 * Downloads a file to `target`, going on from what an earlier attempt left in `target`.part. The file appears under its name when
 * it is whole and its hash is right, and not before. Throws SourceError (unreachable, refused, broken off again and again) or
 * ModelFormatError (not the file that was meant; nothing of it is kept).
 */
export async function download(url: string, target: string, options: DownloadOptions): Promise<Downloaded> {
  await makeFolder(dirname(target)).catch((cause) => {
    throw new SourceError(
      `${dirname(target)} cannot be written to: ${cause.message}. Set XDG_CACHE_HOME to a folder that can.`,
    );
  });
  const unlock = await lock(`${target}.lock`, options.signal);
  try {
    await refuseOther(target);
    const there = await checkTarget(target, options);
    if (there) return there;
    const part = await Part.open(`${target}.part`);
    const resumedFrom = part.state?.url === url && part.state.etag !== null ? part.length : 0;
    await complete(url, part, options);
    const sha256 = await hashOf(part.file);
    const stated = part.state?.sha256 ?? null;
    for (const expected of [options.sha256, stated]) {
      if (expected === null || sha256.startsWith(expected)) continue;
      await part.forget();
      throw new ModelFormatError(
        `${url} has the SHA-256 ${sha256.slice(0, 16)}..., not ${expected.slice(0, 16)}...: it was damaged on its way, or is another file. Nothing was kept; pull again, or from another mirror.`,
      );
    }
    if (options.sha256 === null) await verified(part, url, options);
    await part.place(target);
    return { sha256, checked: options.sha256 ? "given" : stated ? "stated" : null, resumedFrom };
  } finally {
    await unlock();
  }
}

/** The file of an earlier pull; one that has been damaged since, or never was what it should be, is removed. */
async function checkTarget(target: string, { sha256: expected, verify }: DownloadOptions): Promise<Downloaded | null> {
  const size = (await stat(target).catch(() => null))?.size ?? 0;
  if (size === 0) return null;
  const sha256 = await hashOf(target);
  const fits = expected === null ? await passes(target, verify) : sha256.startsWith(expected);
  if (fits) return { sha256, checked: expected === null ? null : "given", resumedFrom: size };
  await rm(target);
  return null;
}

async function passes(file: string, verify: DownloadOptions["verify"]): Promise<boolean> {
  try {
    await verify?.(file);
    return true;
  } catch (error) {
    if (error instanceof ResnetEdgeError) return false;
    throw error;
  }
}

async function verified(part: Part, url: string, { verify }: DownloadOptions): Promise<void> {
  try {
    await verify?.(part.file);
  } catch (cause) {
    if (!(cause instanceof ResnetEdgeError)) throw cause;
    await part.forget();
    throw new ModelFormatError(
      `${url} is not the checkpoint that was meant: ${cause.message} Nothing was kept; pull again, or from another mirror.`,
      { cause },
    );
  }
}

/** Fetches what a part lacks, in as many attempts as it takes while they bring something. */
async function complete(url: string, part: Part, options: DownloadOptions): Promise<void> {
  const { attempts = 5, backoffMs = 500, signal, onRetry } = options;
  let furthest = part.length;
  for (let failures = 1; ; failures++) {
    try {
      return await continueFrom(url, part, options);
    } catch (error) {
      throwIfAborted(signal);
      if (!(error instanceof Interruption)) throw error;
      if (part.length >= furthest + PROGRESS) failures = 1;
      furthest = Math.max(furthest, part.length);
      if (failures >= attempts) {
        throw new SourceError(
          `${url} broke off ${failures} times in a row (${error.message}); ${part.length} bytes are kept. Pull again to go on from there.`,
        );
      }
      const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(error.waitMs, backoffMs * 2 ** (failures - 1)));
      onRetry?.(error.message, waitMs);
      await pause(waitMs, signal);
    }
  }
}

async function continueFrom(url: string, part: Part, options: DownloadOptions): Promise<void> {
  const { signal, silenceMs = 30_000, onProgress } = options;
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), silenceMs);
  const etag = part.state?.url === url ? part.state.etag : null;
  const headers: Record<string, string> = { "accept-encoding": "identity", "user-agent": "resnet-edge" };
  if (part.length > 0 && etag !== null) Object.assign(headers, { range: `bytes=${part.length}-`, "if-range": etag });
  try {
    const any = AbortSignal.any([silence.signal, ...(signal ? [signal] : [])]);
    const { response, sha256 } = await request(url, headers, any);
    if (!(await accept(url, response, sha256, part, options))) return;
    let heard = part.length;
    const most = part.state?.total ?? options.mostBytes ?? Number.POSITIVE_INFINITY;
    await part.append(bounded(response, part.length, most, url), (loaded) => {
      if (loaded - heard >= LEAST_BYTES) {
        heard = loaded;
        timer.refresh();
      }
      onProgress?.(loaded, part.state?.total ?? 0);
    });
  } catch (error) {
    if (error instanceof ModelFormatError) await part.forget();
    if (silence.signal.aborted) throw new Interruption(`next to nothing for ${silenceMs / 1000} s`);
    // What breaks off in the middle of a body comes as a TypeError.
    throw error instanceof TypeError ? new Interruption(reasonOf(error)) : error;
  } finally {
    clearTimeout(timer);
  }
  const total = part.state?.total ?? null;
  if (total !== null && part.length !== total) throw new Interruption(`${part.length} of ${total} bytes came`);
  await fitting(part, part.length, options);
}

/** A body's bytes, as long as a part of `from` bytes does not grow beyond `most` by them. */
async function* bounded(response: Response, from: number, most: number, url: string): AsyncGenerator<Uint8Array> {
  let bytes = from;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > most) {
      throw new ModelFormatError(
        `${url} sends more than the ${most} bytes that it can have: it is another file. Nothing was kept; pull from another mirror.`,
      );
    }
    yield chunk;
  }
}

/** Forgets a part whose length cannot be the file's. */
async function fitting(part: Part, bytes: number, { checkLength }: DownloadOptions): Promise<void> {
  try {
    checkLength?.(bytes);
  } catch (error) {
    await part.forget();
    throw error;
  }
}

/**
 * Compares an answer with the part that it is to continue, and begins the part again where it is of another file. False where
 * the part is whole already. Whatever else the host says is thrown.
 */
async function accept(
  url: string,
  response: Response,
  sha256: string | null,
  part: Part,
  options: DownloadOptions,
): Promise<boolean> {
  const { status, headers, body } = response;
  const { state } = part;
  const empty = { url, etag: null, total: null, sha256: null };
  if (status !== 200 && status !== 206) await body?.cancel().catch(() => {});
  if (status === 416) {
    const total = /\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1];
    if (part.length > 0 && Number(total) === part.length) return false;
    await part.restart(empty);
    throw new Interruption("the server knows no such range");
  }
  if (status >= 500 || status === 429 || status === 408) {
    throw new Interruption(`the server answered ${status}`, 1000 * (Number(headers.get("retry-after")) || 0));
  }
  if (status !== 200 && status !== 206) {
    throw new SourceError(`${url} answered ${status} ${response.statusText}. Check the name or the mirror.`);
  }
  if (/text\/html/i.test(headers.get("content-type") ?? "")) {
    throw new ModelFormatError(
      `${url} answered with a web page, not a model: a login, a proxy or a wrong mirror. Open it in a browser.`,
    );
  }
  const tag = headers.get("etag");
  // A weak tag does not promise the same bytes.
  const etag = tag?.startsWith("W/") ? null : tag;
  const range = /bytes (\d+)-\d+\/(\d+)/.exec(headers.get("content-range") ?? "");
  if (status === 206) {
    const continues =
      state !== null &&
      Number(range?.[1]) === part.length &&
      Number(range?.[2]) === state.total &&
      (etag ?? state.etag) === state.etag &&
      (sha256 ?? state.sha256) === state.sha256;
    if (continues) return true;
    await body?.cancel().catch(() => {});
    await part.restart(empty);
    throw new Interruption("the server sent another part than was asked for");
  }
  const length = headers.get("content-length");
  // Of a body that was compressed all the same, it is not the file's.
  const total = length === null || headers.has("content-encoding") ? null : Number(length);
  if (total !== null) await fitting(part, total, options);
  await part.restart({ url, etag, total, sha256 });
  return true;
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (cause) {
    throw new SourceError(`${file} could not be read: ${(cause as Error).message}. Remove it, and pull again.`, {
      cause,
    });
  }
  return hash.digest("hex");
}
