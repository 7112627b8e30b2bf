import type { WorkerHandle, WorkerPort } from "./handle.js";

export function webWorker(worker: Worker): WorkerHandle {
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer as Transferable[]),
    listen(onMessage, onEnd) {
      let ended = false;
      const end = (reason: string) => {
        if (ended) return;
        ended = true;
        worker.terminate();
        onEnd(reason);
      };
      worker.onmessage = ({ data }) => onMessage(data as never);
      worker.onmessageerror = () => end("a message could not be read");
      worker.onerror = (event) => {
        event.preventDefault();
        // A file that is missing or blocked says nothing about itself.
        end(event.message || "its file could not be loaded");
      };
    },
    terminate() {
      worker.onerror = null;
      worker.onmessage = null;
      worker.terminate();
    },
    hold() {},
  };
}

/** The port of the dedicated worker in which this code runs. */
export function webPort(): WorkerPort {
  const scope = globalThis as unknown as {
    postMessage(message: unknown, transfer: Transferable[]): void;
    onmessage: ((event: MessageEvent) => void) | null;
    close(): void;
  };
  return {
    post: (message, transfer = []) => scope.postMessage(message, transfer as Transferable[]),
    listen(onMessage) {
      scope.onmessage = ({ data }) => onMessage(data as never);
    },
    close: () => scope.close(),
  };
}
