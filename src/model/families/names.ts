import type { Architecture } from "../../graph/network.js";

/** Names that timm and torchvision give to networks of these families, without timm's tag after a dot. */
const families = [
  /^mobilenet_?v2(?:_\w+)?$/,
  /^(?:tf_)?mobilenet_?v3_(?:large|small)(?:_(?!minimal)\w+)?$/,
  /^(?:tf_)?efficientnet_(?:b\d|lite\d?)(?:_(?:ap|ns|aa))?$/,
  /^(?:tf_)?efficientnet_?v2_\w+$/,
  /^mnasnet(?:_\w+|\d_\d+)$/,
  /^regnet_?[xy]_?\w+$/,
  /^resnetv2_\d+(?:[dt]?(?:_gn)?|x\d_bit(?:m(?:_in21k)?|_distilled|_teacher(?:_384)?)?)$/,
];

const plain = (name: string) => name.toLowerCase().replace(/\..*$/, "");

export const isFamilyName = (name: string): boolean => families.some((family) => family.test(plain(name)));

/** What a family's name says beside the weights: timm's `tf_` networks pad as TensorFlow does, its ResNet-Ds average. */
export function familyTraits(name: string): Partial<Architecture> {
  const known = plain(name);
  if (known.startsWith("resnetv2")) {
    const shortcut = /\d[dt]/.test(known.slice(8)) ? "average-projection" : "projection";
    const grouped = /_bit|_gn/.test(known) ? { weightStandardization: known.includes("_bit") } : {};
    return { name, shortcut, ...grouped };
  }
  if (known.startsWith("regnet")) return { name };
  const tensorflow = known.startsWith("tf_");
  return { name, padding: tensorflow ? "same" : "symmetric", ...(tensorflow ? { epsilon: 1e-3 } : {}) };
}

/** Whether a name may stand for a network that was found: widths and depths stand in the file. */
export function standsFor(stated: string, found: string): boolean {
  const kind = (name: string) =>
    /^(mobilenetv\d(large|small)?|efficientnet(lite|v2)?|mnasnet|resnetv2|regnet[xy])/.exec(
      plain(name).replace(/^tf_/, "").replaceAll("_", ""),
    )?.[0];
  return kind(stated) === kind(found);
}
