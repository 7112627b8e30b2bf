// As index.ts, but with the GPU path in it: a service worker may not import later.
import { type Classifier as ClassifierOf, createApi } from "./api.js";
import * as check from "./check/index.js";
import * as gpu from "./gpu/index.js";
import type { Host } from "./host.js";
import { browserHost } from "./host-browser.js";
import { bundledModel } from "./host-page.js";
import * as ownPictures from "./image/own.js";
import type { BrowserImage } from "./image/send-browser.js";
import * as unusual from "./model/unusual/index.js";
import { openInPlace } from "./session.js";
import * as torch from "./weights/torch.js";

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
  loadGpu: async () => gpu,
  loadCheck: async () => check,
  loadTorch: async () => torch,
  loadUnusual: async () => unusual,
  loadOwnPictures: async () => ownPictures,
};

export const { loadModel, loadClassifier } = createApi<BrowserImage>(bundledModel, (source, options) =>
  openInPlace(host, source, options, "in place: a service worker cannot start workers"),
);
