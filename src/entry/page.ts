// What bundlers take: as index.ts, but the code for running in place comes when it is needed, which for most pages is never.
// A service worker may not import later: there it is service-worker.ts, "resnet-edge/service-worker".

import type { EntryHost } from "../host/entry-host.js";
import { kernelFiles } from "../host/kernel-files.js";
import { bundledModel, pageSide } from "../host/page.js";
import type { BrowserImage } from "../image/kinds.js";
import { startWorker } from "../worker/handle/start.js";
import { openSession } from "../worker/session.js";
import { createApi } from "./api.js";

export * from "./public-browser.js";

const page: EntryHost = {
  ...pageSide,
  startWorker,
  // Most pages never need this code: the worker has its own.
  openInPlace: async (...all) => (await import("./page-in-place.js")).openInPlace(kernelFiles, ...all),
};

export const { loadModel, loadClassifier } = createApi<BrowserImage>(bundledModel, (...all) =>
  openSession(page, ...all),
);
