import { throwIfAborted } from "./errors.js";

/** Runs tasks one at a time, in the order they came. An aborted task that still waits is passed over at once. */
export class Queue {
  private tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>, signal?: AbortSignal | null): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const result = this.tail.then(() => {
      throwIfAborted(signal);
      return task();
    });
    this.tail = result.catch(() => {});
    if (!signal) return result;
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      result.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    });
  }

  /** Settles when everything that was queued has. */
  async idle(): Promise<void> {
    await this.tail;
  }
}
