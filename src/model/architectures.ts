import { ModelFormatError, OptionError } from "../errors.js";
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

const wellKnown: ReadonlyMap<string, Architecture> = new Map(
  [
    ...Object.entries(torchvision).map(([name, traits]) => ({ ...imagenet, ...traits, name })),
    ...[20, 32, 44, 56, 110].map(cifar),
  ].map((architecture) => [architecture.name, architecture]),
);

/** Names that `wellKnownArchitecture` accepts, in full. */
export const wellKnownNames: readonly string[] = [...wellKnown.keys()];

/**
 * The architecture of a torchvision name (`resnet50`, `wide_resnet50_2`) or of a CIFAR ResNet (`resnet20-cifar`, or `resnet20`).
 * Case, a hyphen after "resnet" and timm's tag after a dot do not matter. Throws `OptionError` for any other name.
 */
export function wellKnownArchitecture(name: string): Architecture {
  const plain = String(name)
    .toLowerCase()
    .replace(/\..*$/, "")
    .replace(/^resnet[-_]/, "resnet");
  const found = wellKnown.get(plain) ?? wellKnown.get(`${plain}-cifar`);
  if (!found) {
    throw new OptionError(`There is no well-known architecture "${name}". Known: ${wellKnownNames.join(", ")}.`);
  }
  return found;
}

/** The well-known name of a structure, "resnet" where it has none. Classes and shortcuts do not decide. */
export function nameOf(architecture: Architecture): string {
  const fields = ["block", "stem", "stemWidth", "layers", "widths", "groups", "widthPerGroup"] as const;
  const key = (candidate: Architecture) => JSON.stringify(fields.map((field) => candidate[field]));
  for (const candidate of wellKnown.values()) if (key(candidate) === key(architecture)) return candidate.name;
  return "resnet";
}

const choices: Readonly<Record<string, readonly unknown[]>> = {
  block: ["basic", "bottleneck"],
  stem: ["7x7", "3x3", "deep"],
  shortcut: ["projection", "average-projection", "zero-pad-symmetric", "zero-pad-end"],
  strideIn: ["3x3", "1x1"],
  firstStageStride: [1, 2],
};
const counts = ["stemWidth", "groups"];
const lists = ["layers", "widths"];

const isCount = (value: unknown) => Number.isInteger(value) && (value as number) > 0 && (value as number) <= 65536;

/**
 * Keeps the fields of `Architecture` that a file's metadata or a caller states, and checks their values; other fields are
 * ignored. Throws `ModelFormatError`, or `OptionError` where the caller stated them.
 */
export function checkArchitecture(stated: unknown, origin: "file" | "caller"): Partial<Architecture> {
  const refuse = (what: string): never => {
    throw origin === "file"
      ? new ModelFormatError(`The file's metadata has ${what}.`)
      : new OptionError(`The architecture option has ${what}.`);
  };
  if (typeof stated !== "object" || stated === null) return refuse("an architecture that is not an object");
  const kept: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(stated)) {
    if (value == null) continue;
    let fits: boolean;
    if (Object.hasOwn(choices, field)) fits = choices[field]!.includes(value);
    else if (counts.includes(field)) fits = isCount(value);
    else if (lists.includes(field))
      fits = Array.isArray(value) && value.length > 0 && value.length <= 64 && value.every(isCount);
    else if (field === "classes") fits = value === 0 || isCount(value);
    else if (field === "widthPerGroup") fits = typeof value === "number" && value > 0 && value <= 65536;
    else if (field === "epsilon") fits = typeof value === "number" && value > 0 && value < 1;
    else if (field === "name") fits = typeof value === "string";
    else continue;
    if (!fits) refuse(`architecture.${field} = ${JSON.stringify(value)?.slice(0, 80)}, which cannot be`);
    kept[field] = value;
  }
  return kept;
}
