import { isKind } from "../base/kind.js";
import { OptionError, SourceError, throwIfAborted } from "../errors.js";
import type { Host, ModelBody, ModelFiles } from "../host/host.js";
import type { LoadOptions, ModelSource } from "../options.js";
import { Body, streamReader } from "./body.js";

type FileHost = Pick<Host, "readPath">;

/** Reads a model's bytes from wherever they are. Throws `SourceError` for what cannot be read. */
export async function readSource(host: FileHost, source: ModelSource, options: LoadOptions): Promise<ModelFiles> {
  const opened = await openSource(host, source, options);
  return "bytes" in opened ? opened : { ...opened, bytes: await opened.body.whole() };
}

/** As `readSource`, but what comes piece by piece is left to come. */
export async function openSource(
  host: FileHost,
  source: ModelSource,
  options: LoadOptions,
): Promise<ModelFiles | ModelBody> {
  const { signal } = options;
  throwIfAborted(signal);
  if (typeof source === "string") {
    const url = parseUrl(source);
    if (url) return readUrl(host, url, options);
    if (host.readPath) return host.readPath(source, signal);
    return fetchFiles(source, options);
  }
  if (isKind(source, "URL")) return readUrl(host, new URL(`${source}`), options);
  if (isKind(source, "ArrayBuffer")) return { bytes: new Uint8Array(source), origin: "the given buffer" };
  if (ArrayBuffer.isView(source)) {
    const { buffer, byteOffset, byteLength } = source;
    return { bytes: new Uint8Array(buffer, byteOffset, byteLength), origin: "the given buffer" };
  }
  if (isKind(source, "Blob", "File")) {
    const origin = (source as File).name ?? "the given blob";
    return { body: new Body(origin, source.size, streamReader(source.stream()), options), origin };
  }
  if (isKind(source, "Response")) return openResponse(source, source.url, options);
  throw new OptionError(`A model is a URL, a path, a Blob, a buffer or a Response; got ${typeof source}.`);
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

function readUrl(host: FileHost, url: URL, options: LoadOptions): Promise<ModelFiles | ModelBody> {
  if (url.protocol === "file:" && host.readPath) {
    return host.readPath(url, options.signal);
  }
  return fetchFiles(url.href, options);
}

async function fetchFiles(url: string, options: LoadOptions): Promise<ModelFiles | ModelBody> {
  let response: Response;
  try {
    response = await fetch(url, { signal: options.signal ?? null });
  } catch (cause) {
    throwIfAborted(options.signal);
    throw new SourceError(`${url} could not be fetched: ${(cause as Error).message}. Check the address and CORS.`, {
      cause,
    });
  }
  return openResponse(response, url, options);
}

async function openResponse(response: Response, url: string, options: LoadOptions): Promise<ModelFiles | ModelBody> {
  const origin = url || "the given response";
  if (!response.ok) {
    throw new SourceError(`${origin} answered ${response.status} ${response.statusText}. Check the address.`);
  }
  // With a content encoding the length counts compressed bytes.
  const stated = response.headers.get("content-encoding") ? 0 : Number(response.headers.get("content-length") ?? 0);
  if (response.body && (stated || options.onProgress)) {
    return { body: new Body(origin, stated, streamReader(response.body), options), origin };
  }
  // In one piece where nobody watches: browsers are faster at that than a reader of an unknown number of bytes can be.
  const bytes = await response.arrayBuffer().catch((cause) => {
    throwIfAborted(options.signal);
    throw new SourceError(`${origin} broke off: ${(cause as Error).message}. Load it again.`, { cause });
  });
  return { bytes: new Uint8Array(bytes), origin };
}
