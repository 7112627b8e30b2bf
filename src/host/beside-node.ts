import { fileURLToPath } from "node:url";
import { WasmError } from "../errors.js";

/** What to do where a bundle has left the library's files behind. */
export const MEND =
  "Keep the package out of the bundle (external), or pass a model and, as options, wasm (a file's bytes) and worker (node-worker.js).";

/**
 * The path of a file of the library, by a literal address that bundlers and tracers find. `base`: `import.meta.url`, which bundles for CommonJS
 * have not: throws `WasmError`. Test environments put a `URL` of their own in place of Node's, which Node does not read.
 */
export function beside(base: string | undefined, make: () => URL): string {
  if (base?.startsWith("file:")) return fileURLToPath(make().href);
  throw new WasmError(`A bundle does not know where the library's files lie. ${MEND}`);
}
