/** What `work` resolves to, unless an abort comes first: then `onGivenUp` is called, and nobody waits. */
export function orGivenUp<T>(
  work: Promise<T>,
  signal: AbortSignal | null | undefined,
  onGivenUp: () => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      onGivenUp();
      reject(signal!.reason);
    };
    work.then(resolve, reject).finally(() => signal?.removeEventListener("abort", onAbort));
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
  });
}
