import { WasmError } from "./errors.js";

/** What to do where a bundle has left the library's files behind. */
export const MEND =
  "Keep the package out of the bundle (external), or pass a model and, as options, wasm (a file's bytes) and worker (node-worker.js).";

/**
 * A file of the library, by a literal address that bundlers and tracers find. `base`: `import.meta.url`, which bundles for CommonJS
 * have not: throws `WasmError`.
 */
export function beside(base: string | undefined, make: () => URL): URL {
  if (base?.startsWith("file:")) return make();
  throw new WasmError(`A bundle does not know where the library's files lie. ${MEND}`);
}
