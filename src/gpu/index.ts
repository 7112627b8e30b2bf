export { createGpuEngine, type GpuEngine, type GpuOptions } from "./engine.js";
export { type GpuProbe, probeGpu } from "./probe.js";
