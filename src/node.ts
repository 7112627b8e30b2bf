import { createApi } from "./api.js";
import { type NodeImage, nodeHost } from "./host-node.js";

export type { Classifier, Model } from "./api.js";
export * from "./errors.js";
export type { NodeImage } from "./host-node.js";
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

export const { loadModel, loadClassifier } = createApi<NodeImage>(nodeHost);
