import { isKind } from "../base/kind.js";
import { SourceError } from "../errors.js";
import type { EntryHost } from "../host/entry-host.js";
import type { ModelSource } from "../options.js";

/** Bytes copied before the caller's thread gets to breathe: some 4 ms of it. */
const PIECE = 8 << 20;

/** A source that can be sent to a worker again and again; what is read once only is read here. */
export async function keepSource(host: Pick<EntryHost, "absolute">, source: ModelSource): Promise<ModelSource> {
  if (isKind(source, "URL")) return source.href;
  if (typeof source === "string") return host.absolute(source);
  if (!isKind(source, "Response")) return source;
  const origin = source.url || "the given response";
  if (!source.ok) throw new SourceError(`${origin} answered ${source.status} ${source.statusText}. Check the address.`);
  try {
    return await source.blob();
  } catch (cause) {
    throw new SourceError(`${origin} broke off: ${(cause as Error).message}. Load it again.`, { cause });
  }
}

/** The form in which it travels. The caller's bytes are copied, never detached. */
export async function sendSource(source: ModelSource): Promise<[value: string | Blob | ArrayBuffer, Transferable[]]> {
  const isView = ArrayBuffer.isView(source);
  if (!isView && !isKind(source, "ArrayBuffer")) return [source as string | Blob, []];
  const bytes = isView
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source as ArrayBuffer);
  const copy = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += PIECE) {
    if (at > 0) await new Promise((resolve) => setTimeout(resolve));
    copy.set(bytes.subarray(at, at + PIECE), at);
  }
  return [copy.buffer, [copy.buffer]];
}
