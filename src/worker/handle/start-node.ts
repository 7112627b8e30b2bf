import { Worker } from "node:worker_threads";
import { beside } from "../../host/beside-node.js";
import { nodeWorker } from "./node.js";

/** Starts the library's own worker, or the file named. Apart from the host, so that the worker's own code does not name its file. */
export const startWorker = (file?: string | URL) =>
  nodeWorker(new Worker(file ?? beside(import.meta.url, () => new URL("./node-worker.js", import.meta.url))));
