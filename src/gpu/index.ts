export { createGpuEngine, type GpuEngine, type GpuOptions } from "./engine.js";
export { adapterName, type GpuProbe, isSoftware, probeGpu } from "./probe.js";
