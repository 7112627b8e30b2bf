import { ImageDecodeError } from "../errors.js";
import { DECODE_MS } from "../limits.js";

/** Gives `work` a signal that is aborted with the caller's, or by an `ImageDecodeError` after `DECODE_MS`. */
export async function inTime<T>(
  origin: string,
  signal: AbortSignal | null | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal!.reason);
  const late = () =>
    controller.abort(new ImageDecodeError(`${origin} took more than ${DECODE_MS / 1000} s to decode.`));
  const timer = setTimeout(late, DECODE_MS);
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted) onAbort();
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
