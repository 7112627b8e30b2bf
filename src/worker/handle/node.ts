import { type Transferable as NodeTransferable, parentPort, type Worker } from "node:worker_threads";
import type { WorkerHandle, WorkerPort } from "./handle.js";

/** To a worker: it is to leave by itself. */
const LEAVE = "leave";
/** One that has not left by then, as it is at work, is terminated. */
const LEAVE_MS = 200;

/**
 * Ends a worker. Deno reports a terminated one as ended while its thread still releases a GPU, and a process that ends meanwhile crashes.
 * One that leaves by itself is reported once it is gone.
 */
export async function endWorker(worker: Worker): Promise<void> {
  if ("Deno" in globalThis) {
    worker.ref();
    worker.postMessage(LEAVE);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, LEAVE_MS);
      worker.once("exit", () => resolve(clearTimeout(timer)));
    });
  }
  await worker.terminate();
}

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
      return endWorker(worker);
    },
    hold: (on) => (on ? worker.ref() : worker.unref()),
  };
}

/** The port of the worker in which this code runs. */
export function nodePort(): WorkerPort {
  const port = parentPort!;
  return {
    post: (message, transfer = []) => port.postMessage(message, transfer as NodeTransferable[]),
    listen: (onMessage) =>
      void port.on("message", (message) => (message === LEAVE ? process.exit() : onMessage(message as never))),
  };
}
