/** The GPU path: what is loaded when a GPU is there. `gpu/probe.ts`, which looks for one, is small and stands apart. */
export { bufferInput, createGpuEngine, FrameInputs } from "../gpu/index.js";
export { Scheduler } from "../schedule/scheduler.js";
