import { SourceError } from "../../errors.js";
import type { WorkerHandle } from "./handle.js";
import { webWorker } from "./web.js";

/**
 * A file of the library, by a literal address that bundlers find. `base`: `import.meta.url`, which classic scripts have not:
 * throws `SourceError`.
 */
export function beside<T>(base: string | undefined, make: () => T): T {
  if (base) return make();
  throw new SourceError(
    "A classic script cannot find the library's files: pass a model, and options wasm and worker (addresses of a cpu-*.wasm file and worker.js).",
  );
}

/** Starts a worker by `own`, a literal call that bundlers find; `name` and `base` are its address, where it is as it was written. */
export function startWorkerFrom(name: string, base: string | undefined, own: () => Worker): WorkerHandle {
  return webWorker(
    beside(base, () => {
      const url = /^https?:/.test(base!) && new URL(name, base);
      if (!url || url.origin === globalThis.origin) return own();
      // Browsers start no worker from another origin, such as a CDN's; a module of the page's own may import from there.
      const code = new Blob([`import "${url.href}"`], { type: "text/javascript" });
      return new Worker(URL.createObjectURL(code), { type: "module" });
    }),
  );
}
