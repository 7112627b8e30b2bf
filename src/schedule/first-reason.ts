/** Why the first answers come from the CPU. */
export function firstReason({ device, openGpu }: { readonly device: string; readonly openGpu?: unknown }): string {
  if (device === "cpu") return "the CPU was asked for";
  return openGpu ? "the GPU is being prepared" : "this host has no WebGPU";
}
