import { OptionError, SourceError, throwIfAborted } from "./errors.js";
import type { Host, ModelFiles } from "./host.js";
import type { LoadOptions, ModelSource } from "./options.js";

/** Reads a model's bytes from wherever they are. Throws `SourceError` for what cannot be read. */
export async function readSource(host: Host, source: ModelSource, options: LoadOptions): Promise<ModelFiles> {
  const { signal } = options;
  throwIfAborted(signal);
  if (typeof source === "string") {
    const url = parseUrl(source);
    if (url) return readUrl(host, url, options);
    if (host.readPath) return host.readPath(source, signal);
    return fetchFiles(source, options);
  }
  if (source instanceof URL) return readUrl(host, source, options);
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source), origin: "the given buffer" };
  if (ArrayBuffer.isView(source)) {
    const { buffer, byteOffset, byteLength } = source;
    return { bytes: new Uint8Array(buffer, byteOffset, byteLength), origin: "the given buffer" };
  }
  if (typeof Blob !== "undefined" && source instanceof Blob) {
    const origin = (source as File).name ?? "the given blob";
    return { bytes: new Uint8Array(await source.arrayBuffer()), origin };
  }
  if (typeof Response !== "undefined" && source instanceof Response) return readResponse(source, source.url, options);
  throw new OptionError(`A model source is a URL, a path, a Blob, a buffer or a Response; got ${typeof source}.`);
}

function parseUrl(text: string): URL | null {
  // One letter and a colon is a Windows drive, not a scheme.
  if (!/^[a-z][a-z0-9+.-]+:/i.test(text)) return null;
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function readUrl(host: Host, url: URL, options: LoadOptions): Promise<ModelFiles> {
  if (url.protocol === "file:" && host.readPath) {
    return host.readPath(decodeURIComponent(url.pathname), options.signal);
  }
  return fetchFiles(url.href, options);
}

async function fetchFiles(url: string, options: LoadOptions): Promise<ModelFiles> {
  let response: Response;
  try {
    response = await fetch(url, { signal: options.signal ?? null });
  } catch (cause) {
    throwIfAborted(options.signal);
    throw new SourceError(`${url} could not be fetched: ${(cause as Error).message}. Check the address and CORS.`, {
      cause,
    });
  }
  return readResponse(response, url, options);
}

async function readResponse(response: Response, url: string, options: LoadOptions): Promise<ModelFiles> {
  const origin = url || "the given response";
  if (!response.ok) {
    throw new SourceError(`${origin} answered ${response.status} ${response.statusText}. Check the address.`);
  }
  // With a content encoding the length counts compressed bytes.
  const stated = response.headers.get("content-encoding") ? 0 : Number(response.headers.get("content-length") ?? 0);
  const direct = stated ? byteReader(response.body) : null;
  // Else in one piece where nobody watches: browsers are faster at that than a reader can be.
  if (!response.body || !(direct || options.onProgress)) {
    const bytes = new Uint8Array(
      await response.arrayBuffer().catch((cause) => {
        throwIfAborted(options.signal);
        throw new SourceError(`${origin} broke off: ${(cause as Error).message}. Load it again.`, { cause });
      }),
    );
    return { bytes: whole(bytes, stated, origin), origin };
  }
  const reader = direct ?? response.body.getReader();
  let loaded = 0;
  const count = (more: number) => {
    throwIfAborted(options.signal);
    loaded += more;
    options.onProgress?.({ phase: "fetch", loaded, total: stated });
  };
  try {
    const bytes = await (direct ? fill(direct, stated, count) : collect(reader as Reader, stated, count));
    return { bytes: whole(bytes, stated, origin), origin };
  } catch (cause) {
    reader.cancel().catch(() => {});
    throwIfAborted(options.signal);
    if (cause instanceof SourceError) throw cause;
    throw new SourceError(`${origin} broke off after ${loaded} bytes: ${(cause as Error).message}. Load it again.`, {
      cause,
    });
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

/** A reader that fills the caller's own memory; null where a host, or a response that was made by hand, has none. */
function byteReader(body: Response["body"]): ReadableStreamBYOBReader | null {
  try {
    return body?.getReader({ mode: "byob" }) ?? null;
  } catch {
    return null;
  }
}

/** Reads a body of known length to where it stays. Fresh memory is what a load waits for most: the browser's own way takes it twice. */
async function fill(reader: ReadableStreamBYOBReader, stated: number, count: (more: number) => void) {
  // One byte more shows a body that is longer than it says.
  let bytes = new Uint8Array(stated + 1);
  let loaded = 0;
  while (loaded <= stated) {
    const { done, value } = await reader.read(bytes.subarray(loaded));
    if (value) bytes = new Uint8Array(value.buffer);
    if (done) break;
    loaded += value.length;
    count(value.length);
  }
  return bytes.subarray(0, loaded);
}

/** Reads a body by the pieces that the host hands out. */
async function collect(reader: Reader, stated: number, count: (more: number) => void) {
  let bytes = new Uint8Array(stated || 1 << 20);
  let loaded = 0;
  while (true) {
    const { done, value } = await reader.read();
    if (done) return bytes.subarray(0, loaded);
    if (loaded + value.length > bytes.length) {
      const larger = new Uint8Array(Math.max(2 * bytes.length, loaded + value.length));
      larger.set(bytes.subarray(0, loaded));
      bytes = larger;
    }
    bytes.set(value, loaded);
    loaded += value.length;
    count(value.length);
  }
}

/** The bytes, if they are as many as was stated; 0: nothing was. */
function whole(bytes: Uint8Array<ArrayBuffer>, stated: number, origin: string): Uint8Array<ArrayBuffer> {
  if (!stated || bytes.length === stated) return bytes;
  throw new SourceError(`${origin} ended after ${bytes.length} of ${stated} bytes. Load it again.`);
}
