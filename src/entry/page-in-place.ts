// What a bundled page loads where its model is not in a worker.

import { browserHost } from "../host/browser.js";
import type { EntryHost } from "../host/entry-host.js";
import { fetchKernels } from "../host/fetch-kernels.js";
import type { Host } from "../host/host.js";
import type { kernelFiles } from "../host/kernel-files.js";
import { later } from "../host/later.js";
import * as session from "../session/open.js";
import { beside } from "../worker/handle/start-web.js";

const host: Omit<Host, "wasm"> = {
  ...browserHost,
  ...later,
};

/** `files`: the kernels' addresses, as the page's first script has them. */
export const openInPlace = (files: typeof kernelFiles, ...all: Parameters<EntryHost["openInPlace"]>) => {
  const wasm: Host["wasm"] = async (variant) => fetchKernels(beside(import.meta.url, files[variant]));
  return session.openInPlace({ ...host, wasm }, ...all);
};
