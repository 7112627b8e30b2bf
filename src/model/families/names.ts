import type { Architecture } from "../../graph/network.js";

/** Names that timm and torchvision give to networks of these families, without timm's tag after a dot. */
const families = [
  /^mobilenet_?v2(?:_\w+)?$/,
  /^(?:tf_)?mobilenet_?v3_(?:large|small)(?:_(?!minimal)\w+)?$/,
  /^(?:tf_)?efficientnet_(?:b\d|lite\d?)(?:_(?:ap|ns|aa))?$/,
  /^mnasnet(?:_\w+|\d_\d+)$/,
];

const plain = (name: string) => name.toLowerCase().replace(/\..*$/, "");

export const isFamilyName = (name: string): boolean => families.some((family) => family.test(plain(name)));

/** What a family's name says beside the weights: timm's `tf_` networks pad as TensorFlow does. */
export function familyTraits(name: string): Partial<Architecture> {
  const tensorflow = plain(name).startsWith("tf_");
  return { name, padding: tensorflow ? "same" : "symmetric", ...(tensorflow ? { epsilon: 1e-3 } : {}) };
}

/** Whether a name may stand for a network that was found: widths and depths stand in the file. */
export function standsFor(stated: string, found: string): boolean {
  const kind = (name: string) =>
    /^(mobilenetv\d(large|small)?|efficientnet(lite)?|mnasnet)/.exec(
      plain(name).replace(/^tf_/, "").replaceAll("_", ""),
    )?.[0];
  return kind(stated) === kind(found);
}
