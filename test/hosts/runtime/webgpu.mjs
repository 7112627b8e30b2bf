// Deno's own WebGPU (wgpu) in place of the package webgpu (Dawn): another compiler of shaders.
export const create = () => navigator.gpu;
export const globals = {};
