/** Those who wait for one signal, as the one listener that it has: Node warns of more than ten. */
class Waiting extends Set<() => void> {
  handleEvent(): void {
    for (const call of this) call();
  }
}

const waitingFor = new WeakMap<AbortSignal, Waiting>();

/** Calls `callback` once the signal is aborted, until the function that it returns is called. */
export function onAbort(signal: AbortSignal | null | undefined, callback: () => void): () => void {
  if (!signal) return () => {};
  const waiting = waitingFor.get(signal) ?? new Waiting();
  if (waiting.size === 0) {
    waitingFor.set(signal, waiting);
    signal.addEventListener("abort", waiting);
  }
  waiting.add(callback);
  return () => {
    waiting.delete(callback);
    // A signal that is listened to may be kept for good.
    if (waiting.size === 0) signal.removeEventListener("abort", waiting);
  };
}
