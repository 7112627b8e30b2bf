import { type Transferable as NodeTransferable, parentPort, type Worker } from "node:worker_threads";
import type { WorkerHandle, WorkerPort } from "./handle.js";

export function nodeWorker(worker: Worker): WorkerHandle {
  let ended = false;
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer as NodeTransferable[]),
    listen(onMessage, onEnd) {
      const end = (reason: string) => {
        if (ended) return;
        ended = true;
        onEnd(reason);
      };
      worker.on("message", (message) => onMessage(message as never));
      worker.on("messageerror", () => end("a message could not be read"));
      worker.on("error", (error) => end(error.message));
      worker.on("exit", (code) => end(`it exited with code ${code}`));
      worker.unref();
    },
    watch() {},
    terminate() {
      ended = true;
      worker.terminate();
    },
    hold: (on) => (on ? worker.ref() : worker.unref()),
  };
}

/** The port of the worker in which this code runs. */
export function nodePort(): WorkerPort {
  const port = parentPort!;
  return {
    post: (message, transfer = []) => port.postMessage(message, transfer as NodeTransferable[]),
    listen: (onMessage) => void port.on("message", (message) => onMessage(message as never)),
  };
}
