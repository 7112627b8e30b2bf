/** The GPU path: what is loaded when a GPU is there. `probe.ts`, which looks for one, is small and stands apart. */
export { Scheduler } from "../schedule/scheduler.js";
export * as trial from "../schedule/trial.js";
export { createGpuEngine, type GpuEngine, type GpuOptions } from "./engine.js";
export { bufferInput, FrameInputs } from "./input.js";
