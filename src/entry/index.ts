import { browserHost } from "../host/browser.js";
import type { EntryHost } from "../host/entry-host.js";
import type { Host } from "../host/host.js";
import { later } from "../host/later.js";
import { bundledModel, pageSide } from "../host/page.js";
import type { BrowserImage } from "../image/kinds.js";
import { openInPlace } from "../session/open.js";
import { startWorker } from "../worker/handle/start.js";
import { openSession } from "../worker/session.js";
import { createApi } from "./api.js";

export * from "./public-browser.js";

const host: Host = {
  ...browserHost,
  ...later,
};
const page: EntryHost = {
  ...pageSide,
  startWorker,
  openInPlace: (...all) => openInPlace(host, ...all),
};

export const { loadModel, loadClassifier } = createApi<BrowserImage>(bundledModel, (...all) =>
  openSession(page, ...all),
);
