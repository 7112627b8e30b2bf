import { startWorkerFrom } from "./start-web.js";

/** Starts the library's own worker, or the file named. Apart from the host, so that the worker's own code does not name its file. */
export const startWorker = (file?: string | URL) =>
  file
    ? startWorkerFrom(`${file}`, location.href, () => new Worker(file, { type: "module" }))
    : startWorkerFrom(
        "./worker.js",
        import.meta.url,
        () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
      );
