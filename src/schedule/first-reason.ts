import type { Openers } from "./opened.js";

/** Why the first answers come from the CPU. */
export function firstReason({ device, openers }: { readonly device: string; readonly openers: Openers }): string {
  if (device === "cpu") return "the CPU was asked for";
  return openers.gpu ? "the GPU is being prepared" : "this host has no WebGPU";
}
