import { ImageDecodeError } from "../errors.js";
import { DECODE_MS } from "../limits.js";

/** What `work` resolves to, unless an abort or `DECODE_MS` comes first: then `onGivenUp` is called, and nobody waits. */
export function orGivenUp<T>(
  work: Promise<T>,
  origin: string,
  signal: AbortSignal | null | undefined,
  onGivenUp: () => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (reason: unknown) => {
      onGivenUp();
      reject(reason);
    };
    const onAbort = () => giveUp(signal!.reason);
    const late = () => giveUp(new ImageDecodeError(`${origin} took more than ${DECODE_MS / 1000} s to decode.`));
    const timer = setTimeout(late, DECODE_MS);
    signal?.addEventListener("abort", onAbort, { once: true });
    const forget = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    work.then(resolve, reject).finally(forget);
  });
}
