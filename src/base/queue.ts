import { throwIfAborted } from "../errors.js";
import { onAbort } from "./abort.js";

/**
 * Starts tasks in the order they came, at most `width` at a time, and answers in that order too, whichever is done first.
 * An aborted task that still waits is passed over at once.
 */
export class Queue {
  private tail: Promise<unknown> = Promise.resolve();
  /** Answers of the last `width` tasks: a new one starts when the oldest has been given. */
  private readonly window: Promise<unknown>[];

  constructor(width = 1) {
    this.window = Array.from({ length: width }, () => this.tail);
  }

  run<T>(task: () => Promise<T>, signal?: AbortSignal | null): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const done = this.window.shift()!.then(() => {
      throwIfAborted(signal);
      return task();
    });
    // It may fail before its turn to answer comes.
    done.catch(() => {});
    const result = this.tail.then(() => done);
    this.tail = result.catch(() => {});
    this.window.push(this.tail);
    if (!signal) return result;
    return new Promise<T>((resolve, reject) => {
      const forget = onAbort(signal, () => reject(signal.reason));
      result.then(resolve, reject).finally(forget);
    });
  }

  /** Settles when everything that was queued has. */
  async idle(): Promise<void> {
    await this.tail;
  }
}
