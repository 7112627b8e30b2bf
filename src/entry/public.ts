// What every entry exports beside its own two functions.

export * from "../errors.js";
export type {
  Activation,
  ClassifyOptions,
  EmbedOptions,
  ExplainOptions,
  HeatMap,
  ImageRegion,
  LoadOptions,
  ModelSource,
  Prediction,
  Preprocess,
  Progress,
  RunOptions,
  StreamOptions,
  WatchOptions,
} from "../options.js";
export type { Plan, StagePlacement } from "../plan.js";
export type { Model, StreamAnswer } from "./model.js";
