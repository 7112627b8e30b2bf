import type { Architecture } from "./network.js";

/** Bottleneck blocks end in four times their width; basic blocks in their width. */
export function expansion(architecture: Pick<Architecture, "block">): number {
  return architecture.block === "bottleneck" ? 4 : 1;
}

/** Channels of a bottleneck's 3x3 convolution: torchvision's `int(planes * (base_width / 64)) * groups`. */
export function innerWidth(architecture: Pick<Architecture, "widthPerGroup" | "groups">, width: number): number {
  return Math.floor((width * architecture.widthPerGroup) / 64 + 1e-9) * architecture.groups;
}

const imagenet: Architecture = {
  name: "resnet",
  block: "bottleneck",
  stem: "7x7",
  stemWidth: 64,
  layers: [3, 4, 6, 3],
  widths: [64, 128, 256, 512],
  groups: 1,
  widthPerGroup: 64,
  shortcut: "projection",
  strideIn: "3x3",
  classes: 1000,
};

const layers101 = [3, 4, 23, 3];

/** What sets each of torchvision's ten apart from ResNet-50. */
const torchvision: Readonly<Record<string, Partial<Architecture>>> = {
  resnet18: { block: "basic", layers: [2, 2, 2, 2] },
  resnet34: { block: "basic" },
  resnet50: {},
  resnet101: { layers: layers101 },
  resnet152: { layers: [3, 8, 36, 3] },
  resnext50_32x4d: { groups: 32, widthPerGroup: 4 },
  resnext101_32x8d: { layers: layers101, groups: 32, widthPerGroup: 8 },
  resnext101_64x4d: { layers: layers101, groups: 64, widthPerGroup: 4 },
  wide_resnet50_2: { widthPerGroup: 128 },
  wide_resnet101_2: { layers: layers101, widthPerGroup: 128 },
};

/** He et al. 2015, section 4.2: 6n + 2 layers, option A shortcuts. */
function cifar(depth: number): Architecture {
  const blocks = (depth - 2) / 6;
  return {
    ...imagenet,
    name: `resnet${depth}-cifar`,
    block: "basic",
    stem: "3x3",
    stemWidth: 16,
    layers: [blocks, blocks, blocks],
    widths: [16, 32, 64],
    shortcut: "zero-pad-symmetric",
    classes: 10,
  };
}

/** torchvision's ten and the CIFAR ResNets, by name. */
export const wellKnown: ReadonlyMap<string, Architecture> = new Map(
  [
    ...Object.entries(torchvision).map(([name, traits]) => ({ ...imagenet, ...traits, name })),
    ...[20, 32, 44, 56, 110].map(cifar),
  ].map((architecture) => [architecture.name, architecture]),
);

/** The well-known name of a structure, "resnet" where it has none. Classes and shortcuts do not decide. */
export function nameOf(architecture: Architecture): string {
  const fields = ["block", "stem", "stemWidth", "layers", "widths", "groups", "widthPerGroup"] as const;
  const key = (candidate: Architecture) => JSON.stringify(fields.map((field) => candidate[field]));
  for (const candidate of wellKnown.values()) if (key(candidate) === key(architecture)) return candidate.name;
  return "resnet";
}
