// What "resnet-edge/teach" exports in pages and in Node.

export * from "../errors.js";
export { upsample } from "../features/draw.js";
export type { Gallery, Neighbour } from "../nearest/kinds.js";
export type { HeatMap } from "../options.js";
export type {
  Answer,
  Evaluation,
  Labelled,
  Misfit,
  TaughtExample,
  Teacher,
  TeacherOptions,
  TrainOptions,
  TrainProgress,
  TrainReport,
} from "../teach/kinds.js";
