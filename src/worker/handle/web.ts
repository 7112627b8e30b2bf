import type { WorkerHandle, WorkerPort } from "./handle.js";

export function webWorker(worker: Worker): WorkerHandle {
  const watching = new AbortController();
  let end: (reason: string) => void = () => {};
  const terminate = () => {
    end = () => {};
    watching.abort();
    worker.terminate();
  };
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer as Transferable[]),
    listen(onMessage, onEnd) {
      end = (reason) => {
        terminate();
        onEnd(reason);
      };
      worker.onmessage = ({ data }) => onMessage(data as never);
      worker.onmessageerror = () => end("a message could not be read");
      worker.onerror = (event) => {
        event.preventDefault();
        // A file that is missing or blocked says nothing about itself.
        end(
          event.message ||
            "its file could not be loaded: missing, without Cross-Origin-Embedder-Policy, or against worker-src",
        );
      };
    },
    watch(lock) {
      navigator.locks.request(lock, { signal: watching.signal }, () => end("it ended without a word")).catch(() => {});
    },
    terminate,
    hold() {},
  };
}

/**
 * The name of a lock that this thread holds from now on: a page is not told of a worker that closed itself or ran out of
 * memory, but its locks are free then. Nothing where there are no locks: they need a secure context.
 */
export function holdLock(): Promise<string | undefined> {
  const { locks } = navigator;
  if (!locks) return Promise.resolve(undefined);
  const name = `resnet-edge ${crypto.randomUUID()}`;
  return new Promise((resolve) => {
    const held = () => {
      resolve(name);
      return new Promise(() => {});
    };
    locks.request(name, held).catch(() => resolve(undefined));
  });
}

/** The port of the dedicated worker in which this code runs. */
export function webPort(): WorkerPort {
  const scope = globalThis as unknown as {
    postMessage(message: unknown, transfer: Transferable[]): void;
    onmessage: ((event: MessageEvent) => void) | null;
  };
  return {
    post: (message, transfer = []) => scope.postMessage(message, transfer as Transferable[]),
    listen(onMessage) {
      scope.onmessage = ({ data }) => onMessage(data as never);
    },
  };
}
