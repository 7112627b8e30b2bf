// What bundlers take: as index.ts, but the code for running in place comes when it is needed, which for most pages is never.
// A service worker may not import later: there it is service-worker.ts, "resnet-edge/service-worker".
import { type Classifier as ClassifierOf, createApi } from "./api.js";
import { browserHost } from "./host-browser.js";
import type { BrowserImage } from "./image/decode-browser.js";
import { startWorker } from "./worker/start.js";

export type { Model } from "./api.js";
export * from "./errors.js";
export type { BrowserImage } from "./image/decode-browser.js";
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

export const { loadModel, loadClassifier } = createApi<BrowserImage>({
  ...browserHost,
  startWorker,
  loadSession: () => import("./session.js"),
  loadGpu: () => import("./gpu/index.js"),
  loadCheck: () => import("./check/index.js"),
  loadTorch: () => import("./weights/torch.js"),
  loadUnusual: () => import("./model/unusual/index.js"),
  loadOwnPictures: () => import("./image/own.js"),
});
