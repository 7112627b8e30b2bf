import { OptionError, UnsupportedModelError } from "../../errors.js";
import { nearest } from "../../nearest.js";
import { wellKnown } from "../architectures.js";
import type { Architecture } from "../network.js";

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
  /^(?:(?:tv|gluon|ssl|swsl|ig|legacy)_)?(?:wide_)?res(?:net|next)(aa|blur)?\d+[cdest]?(?:_\w+)?(?:-cifar)?$/;

/**
 * What a stated name says that weights do not show: `resnetaa50` averages where it strides. Throws `UnsupportedModelError` for
 * a name that stands for other layers than there are here.
 */
export function traitsOf(name: string): Partial<Architecture> {
  const [known, aliasing] = timm.exec(plain(name)) ?? [];
  if (known === undefined || /_(gn|bn|clip\w*|test)\b/.test(known)) {
    throw new UnsupportedModelError(
      `The architecture "${name.slice(0, 80)}" is not supported: residual networks of torchvision and timm are, with their aa and blur kinds. ` +
        "Where the network is one of these all the same, state architecture with its fields.",
    );
  }
  if (aliasing === undefined) return {};
  return { antiAliasing: aliasing === "aa" ? "average" : "blur" };
}

/** A name that a caller states: the whole structure where it is well known, else what timm means by it. */
export function statedByName(name: string): Partial<Architecture> {
  const found = wellKnown.get(plain(name)) ?? wellKnown.get(`${plain(name)}-cifar`);
  if (found) {
    // Whether a shortcut is a projection stands in the file, and both kinds go by one name.
    const { shortcut: _, ...structure } = found;
    return structure;
  }
  if (timm.test(plain(name))) return traitsOf(name);
  return wellKnownArchitecture(name);
}
