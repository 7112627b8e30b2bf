/** A worker, the browser's or Node's: the little that this library needs of one. */
export interface WorkerHandle {
  post(message: unknown, transfer?: readonly Transferable[]): void;
  /** `onEnd` is called once, where the worker could not start, failed or exited; not after `terminate`. */
  listen(onMessage: (message: never) => void, onEnd: (reason: string) => void): void;
  /** Has `onEnd` called, too, once this lock is free, which the worker holds for as long as it lives. */
  watch(lock: string): void;
  /** Settles when it has ended, where that must be waited for. */
  terminate(): void | Promise<void>;
  /** Whether the process stays alive for this worker; a page has no such notion. */
  hold(on: boolean): void;
}

/** What code inside of a worker sees of the thread that started it. */
export interface WorkerPort {
  post(message: unknown, transfer?: readonly Transferable[]): void;
  listen(onMessage: (message: never) => void): void;
}
