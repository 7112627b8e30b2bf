import { decodeInBrowser } from "../image/decode-browser.js";
import type { BrowserImage } from "../image/kinds.js";
import { beside, startWorkerFrom } from "../worker/handle/start-web.js";
import { fetchKernels } from "./fetch-kernels.js";
import type { Host } from "./host.js";
import { kernelFiles } from "./kernel-files.js";
import type { Later } from "./later.js";
import { browserStore } from "./store-browser.js";

declare const WorkerGlobalScope: unknown;

/** What a session needs of a browser, but for the code that may come later: entries differ in how that comes. */
export const browserHost: Omit<Host, Later> & ThisType<Host> = {
  wasm: async (variant) => fetchKernels(beside(import.meta.url, kernelFiles[variant])),
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
  decode(image, signal) {
    return decodeInBrowser(image as BrowserImage, signal, () => this.loadOwnPictures!());
  },
  store: browserStore,
};
