import { reasonOf } from "../catalogue/request.js";
import { SourceError } from "../errors.js";
import { MAX_IMAGE_BYTES } from "../limits.js";

/** A host that says nothing for so long is given up. */
const FETCH_MS = 60_000;

/** The encoded picture at an address of http or https. Throws `SourceError` where none comes. */
export async function fetchPicture(url: URL): Promise<Uint8Array> {
  const failed = (why: string, cause?: unknown) =>
    new SourceError(`${url.href} could not be fetched: ${why}.`, { cause });
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) });
    if (!response.ok) {
      await response.body?.cancel();
      throw failed(`the answer is ${response.status} ${response.statusText}`.trimEnd());
    }
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of response.body ?? []) {
      pieces.push(piece);
      length += piece.length;
      if (length > MAX_IMAGE_BYTES) throw failed(`it has more than ${MAX_IMAGE_BYTES} bytes`);
    }
    return Buffer.concat(pieces);
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    const late = (cause as Error).name === "TimeoutError";
    throw failed(late ? `it took more than ${FETCH_MS / 1000} s` : reasonOf(cause), cause);
  }
}
