import type { Variant } from "./cpu/index.js";
import type { Host } from "./host.js";
import { type BrowserImage, decodeInBrowser } from "./image/decode-browser.js";
import { compileResponse } from "./session.js";

/** Literal addresses, so that bundlers find the files and carry them along. */
const modules: Readonly<Record<Variant, () => URL>> = {
  baseline: () => new URL("./cpu-baseline.wasm", import.meta.url),
  relaxed: () => new URL("./cpu-relaxed.wasm", import.meta.url),
  "baseline-threads": () => new URL("./cpu-baseline-threads.wasm", import.meta.url),
  "relaxed-threads": () => new URL("./cpu-relaxed-threads.wasm", import.meta.url),
};

export const browserHost: Host = {
  wasm: async (variant) => compileResponse(await fetch(modules[variant]())),
  decode: (image) => decodeInBrowser(image as BrowserImage),
  get defaultModel() {
    return new URL("./cifar10-resnet20.safetensors", import.meta.url);
  },
};
