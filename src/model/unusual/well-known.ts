import { nearest } from "../../base/nearest.js";
import { OptionError, UnsupportedModelError } from "../../errors.js";
import type { Architecture } from "../../graph/network.js";
import { familyTraits, isFamilyName } from "../families/names.js";

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
const wellKnown: ReadonlyMap<string, Architecture> = new Map(
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

/** Names that `wellKnownArchitecture` accepts, in full. */
export const wellKnownNames: readonly string[] = [...wellKnown.keys()];

/** A name without case, a hyphen after "resnet" and timm's tag after a dot. */
const plain = (name: string) =>
  String(name)
    .toLowerCase()
    .replace(/\..*$/, "")
    .replace(/^resnet[-_]/, "resnet");

/**
 * The architecture of a torchvision name (`resnet50`, `wide_resnet50_2`) or of a CIFAR ResNet (`resnet20-cifar`, or `resnet20`).
 * Case, a hyphen after "resnet" and timm's tag after a dot do not matter. Throws `OptionError` for any other name.
 */
export function wellKnownArchitecture(name: string): Architecture {
  const found = wellKnown.get(plain(name)) ?? wellKnown.get(`${plain(name)}-cifar`);
  if (found) return found;
  const meant = nearest(plain(name), wellKnownNames);
  throw new OptionError(
    `There is no well-known architecture "${String(name).slice(0, 80)}"; ${meant ? `did you mean "${meant}"? ` : ""}Known: ${wellKnownNames.join(", ")}.`,
  );
}

/** timm's names of networks that are built here; what their weights show is left to the weights. */
const timm =
  /^(?:(?:tv|gluon|ssl|swsl|ig)_)?(?:(?:wide_|(se|eca))?res(?:net|next)(aa|blur|rs)?(?:\d+[cdest]?|light)(?:_\w+)?(?:-cifar)?|(?<se>se)net154|test_resnet)$/;

/**
 * What a stated name says that weights do not show: `resnetaa50` averages where it strides. Throws `UnsupportedModelError` for
 * a name that stands for other layers than there are here.
 */
export function traitsOf(name: string): Partial<Architecture> {
  if (isFamilyName(name)) return familyTraits(name);
  const found = timm.exec(plain(name));
  const [known, gate, kind] = found ?? [];
  if (known === undefined || /_(bn|clip\w*|test)\b/.test(known)) {
    throw new UnsupportedModelError(
      `The architecture "${name.slice(0, 80)}" is not supported: torchvision's and timm's residual networks are, and the families in docs/models.md. ` +
        "If it is one of these, state architecture with its fields.",
    );
  }
  const attention = gate ?? found?.groups?.se ?? (kind === "rs" ? "se" : undefined);
  return {
    ...(attention ? { attention: attention as "se" | "eca" } : {}),
    ...(known.endsWith("_gn") ? { normGroups: 32 } : {}),
    ...(kind === "aa" ? { antiAliasing: "average" } : kind === "blur" ? { antiAliasing: "blur" } : {}),
  };
}

/** A name that a caller states: the whole structure where it is well known, else what timm means by it. */
export function statedByName(name: string): Partial<Architecture> {
  if (isFamilyName(name)) return familyTraits(name);
  const found = wellKnown.get(plain(name)) ?? wellKnown.get(`${plain(name)}-cifar`);
  if (found) {
    // Whether a shortcut is a projection stands in the file, and both kinds go by one name.
    const { shortcut: _, ...structure } = found;
    return structure;
  }
  if (timm.test(plain(name)) && isDepth(Number(/\d+/.exec(plain(name))?.[0] ?? 50))) return traitsOf(name);
  return wellKnownArchitecture(name);
}

/** Layers that some network has: timm's, and CIFAR's 6n + 2 and 9n + 2. Another number is a slip of the pen. */
function isDepth(layers: number): boolean {
  const known = [10, 18, 34, 51, 61, 152, 154, 269, 270, 350, 420];
  return known.includes(layers) || [6, 9].some((per) => (layers - 2) % per === 0 && layers > 2);
}
