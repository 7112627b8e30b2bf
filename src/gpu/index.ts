export { createGpuEngine, type GpuEngine, type GpuOptions } from "./engine.js";
export { bufferInput, FrameInputs } from "./input.js";
