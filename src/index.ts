import { type Classifier as ClassifierOf, createApi } from "./api.js";
import type { EntryHost, Host } from "./host.js";
import { browserHost } from "./host-browser.js";
import { bundledModel, pageSide } from "./host-page.js";
import type { BrowserImage } from "./image/send-browser.js";
import { openInPlace } from "./session.js";
import { openSession } from "./worker/session.js";
import { startWorker } from "./worker/start.js";

export type { Model } from "./api.js";
export * from "./errors.js";
export type { BrowserImage } from "./image/send-browser.js";
export type {
  ClassifyOptions,
  LoadOptions,
  ModelSource,
  Prediction,
  Preprocess,
  Progress,
  RunOptions,
} from "./options.js";
export type { Plan, StagePlacement } from "./plan.js";

/** A network that takes images. */
export type Classifier<Image = BrowserImage> = ClassifierOf<Image>;

const host: Host = {
  ...browserHost,
  loadGpu: () => import("./gpu/index.js"),
  loadCheck: () => import("./check/index.js"),
  loadTorch: () => import("./weights/torch.js"),
  loadUnusual: () => import("./model/unusual/index.js"),
  loadOwnPictures: () => import("./image/own.js"),
};
const page: EntryHost = {
  ...pageSide(host.loadOwnPictures!),
  startWorker,
  openInPlace: (...all) => openInPlace(host, ...all),
};

export const { loadModel, loadClassifier } = createApi<BrowserImage>(bundledModel, (...all) =>
  openSession(page, ...all),
);
