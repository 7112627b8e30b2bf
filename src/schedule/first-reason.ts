import type { SchedulerOptions } from "./scheduler.js";

/** Why the first answers come from the CPU. */
export function firstReason({ device, openGpu }: Pick<SchedulerOptions, "device" | "openGpu">): string {
  if (device === "cpu") return "the CPU was asked for";
  return openGpu ? "the GPU is being prepared" : "this host has no WebGPU";
}
