import type { Variant } from "../cpu/module.js";

/**
 * Literal addresses, so that bundlers find the files and carry them along. A page names them in its first script: webpack
 * loses files that only a later script and a worker name.
 */
export const kernelFiles: Readonly<Record<Variant | "pixels", () => URL>> = {
  baseline: () => new URL("./cpu-baseline.wasm", import.meta.url),
  relaxed: () => new URL("./cpu-relaxed.wasm", import.meta.url),
  "baseline-threads": () => new URL("./cpu-baseline-threads.wasm", import.meta.url),
  "relaxed-threads": () => new URL("./cpu-relaxed-threads.wasm", import.meta.url),
  "int8-baseline": () => new URL("./cpu-int8-baseline.wasm", import.meta.url),
  "int8-relaxed": () => new URL("./cpu-int8-relaxed.wasm", import.meta.url),
  "int8-baseline-threads": () => new URL("./cpu-int8-baseline-threads.wasm", import.meta.url),
  "int8-relaxed-threads": () => new URL("./cpu-int8-relaxed-threads.wasm", import.meta.url),
  "extended-baseline": () => new URL("./cpu-extended-baseline.wasm", import.meta.url),
  "extended-relaxed": () => new URL("./cpu-extended-relaxed.wasm", import.meta.url),
  "extended-baseline-threads": () => new URL("./cpu-extended-baseline-threads.wasm", import.meta.url),
  "extended-relaxed-threads": () => new URL("./cpu-extended-relaxed-threads.wasm", import.meta.url),
  "int8-extended-baseline": () => new URL("./cpu-int8-extended-baseline.wasm", import.meta.url),
  "int8-extended-relaxed": () => new URL("./cpu-int8-extended-relaxed.wasm", import.meta.url),
  "int8-extended-baseline-threads": () => new URL("./cpu-int8-extended-baseline-threads.wasm", import.meta.url),
  "int8-extended-relaxed-threads": () => new URL("./cpu-int8-extended-relaxed-threads.wasm", import.meta.url),
  pixels: () => new URL("./pixels.wasm", import.meta.url),
};
