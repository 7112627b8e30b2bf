import type { Variant } from "./cpu/index.js";
import { fetchKernels } from "./fetch-kernels.js";
import type { Host } from "./host.js";
import { type BrowserImage, decodeInBrowser, sendBrowserImage } from "./image/decode-browser.js";
import { browserStore } from "./store-browser.js";
import { beside, startWorkerFrom } from "./worker/start-web.js";

declare const WorkerGlobalScope: unknown;

/** Literal addresses, here and below, so that bundlers find the files and carry them along. */
const modules: Readonly<Record<Variant, () => URL>> = {
  baseline: () => new URL("./cpu-baseline.wasm", import.meta.url),
  relaxed: () => new URL("./cpu-relaxed.wasm", import.meta.url),
  "baseline-threads": () => new URL("./cpu-baseline-threads.wasm", import.meta.url),
  "relaxed-threads": () => new URL("./cpu-relaxed-threads.wasm", import.meta.url),
};

/** All but the session that runs in place, the GPU path and the reader of checkpoints: entries differ in how those come. */
export const browserHost: Omit<
  Host,
  "loadSession" | "loadGpu" | "loadCheck" | "loadTorch" | "loadUnusual" | "loadOwnPictures"
> &
  ThisType<Host> = {
  wasm: async (variant) => fetchKernels(beside(import.meta.url, modules[variant])),
  threadSupport: {
    start: () =>
      startWorkerFrom(
        "./thread.js",
        import.meta.url,
        () => new Worker(new URL("./thread.js", import.meta.url), { type: "module" }),
      ),
    get cores() {
      return navigator.hardwareConcurrency || 1;
    },
    get obstacle() {
      if (typeof Worker === "undefined") return "this context cannot start workers";
      if (!globalThis.crossOriginIsolated) return "no cross-origin isolation, so no shared memory";
      if (typeof SharedArrayBuffer === "undefined") return "isolated, but this browser has no shared memory";
      return typeof WorkerGlobalScope === "undefined" ? "the page's own thread must not wait for others" : null;
    },
  },
  absolute: (address) => new Request(address).url,
  sendImage(image) {
    return sendBrowserImage(image, () => this.loadOwnPictures!());
  },
  decode(image, signal) {
    return decodeInBrowser(image as BrowserImage, signal, () => this.loadOwnPictures!());
  },
  store: browserStore,
  defaultModel() {
    return beside(import.meta.url, () => new URL("./cifar10-resnet20.safetensors", import.meta.url));
  },
};
