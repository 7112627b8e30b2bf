// What every entry exports beside its own two functions.

export * from "../errors.js";
export type {
  ClassifyOptions,
  LoadOptions,
  ModelSource,
  Prediction,
  Preprocess,
  Progress,
  RunOptions,
} from "../options.js";
export type { Plan, StagePlacement } from "../plan.js";
export type { Model } from "./model.js";
