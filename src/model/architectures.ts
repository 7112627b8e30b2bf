import type { Architecture } from "../graph/network.js";

/** Bottleneck blocks end in four times their width; basic blocks in their width. */
export function expansion(architecture: Pick<Architecture, "block">): number {
  return architecture.block === "bottleneck" ? 4 : 1;
}

/** Channels of a bottleneck's 3x3 convolution: torchvision's `int(planes * (base_width / 64)) * groups`. */
export function innerWidth(architecture: Pick<Architecture, "widthPerGroup" | "groups">, width: number): number {
  return Math.floor((width * architecture.widthPerGroup) / 64 + 1e-9) * architecture.groups;
}
