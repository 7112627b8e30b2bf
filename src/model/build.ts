import { UnsupportedModelError } from "../errors.js";
import type { ArrivingTensor, StateDict, Tensor } from "../tensor.js";
import { nameOf, wellKnownArchitecture } from "./architectures.js";
import { assemble } from "./assemble.js";
import { type ModelCard, modelCard } from "./card.js";
import { FileParameters } from "./file-parameters.js";
import { fuse } from "./fuse.js";
import { checkInputSize, defaultInputSize, type Size } from "./input-size.js";
import { byTorchvisionName } from "./names.js";
import type { Architecture, Network } from "./network.js";
import { recognize } from "./recognize.js";
import { checkArchitecture } from "./stated.js";

export interface BuildOptions {
  /** Overrides what names, shapes and the card say, field by field; a well-known name states the structure, not the classes. */
  architecture?: string | Partial<Architecture>;
  /** The input's side in pixels, or [height, width]; the card's crop, else 224 for an ImageNet stem and 32 for a CIFAR stem. */
  inputSize?: Size;
  /** Default true. */
  foldBatchNorm?: boolean;
  /** False ends the network in pooled features; true insists on a classifier. Unset: a classifier where the file has one. */
  includeTop?: boolean;
  /** What is known beside the weights; `modelCard(state)` unless given. */
  card?: ModelCard;
}

/**
 * Builds the network that a file's tensors make up. Weights stay in the file's bytes until a device reads them; the file may
 * still be on its way.
 *
 * Throws `UnsupportedModelError` naming the first tensor that is missing, left over or of another shape than the network
 * needs, `ModelFormatError` for values that no BatchNorm can have (those that are on their way throw when they are read),
 * `OptionError` for impossible options.
 */
export function buildNetwork(state: StateDict<Tensor | ArrivingTensor>, options: BuildOptions = {}): Network {
  const card = options.card ?? modelCard(state);
  const tensors = byTorchvisionName(state.tensors);
  const recognized = recognize(tensors);
  if (options.includeTop === true && recognized.classes === 0) {
    throw new UnsupportedModelError("The file has no classifier (fc.weight); build it with includeTop: false.");
  }
  const structure = {
    ...recognized,
    name: "",
    ...card.architecture,
    ...(options.architecture === undefined ? {} : stated(options.architecture)),
  };
  const classes = options.includeTop === false ? 0 : recognized.classes;
  const architecture = { ...structure, classes, name: nameOf(structure) };
  const parameters = new FileParameters(tensors);
  if (classes === 0) parameters.skip("fc.");
  const inputSize = checkInputSize(options.inputSize ?? card.preprocess.crop ?? defaultInputSize(architecture));
  const network = assemble(architecture, parameters, inputSize);
  parameters.refuseLeftOver();
  return { ...fuse(network, options.foldBatchNorm ?? true), arriving: state.arrival };
}

function stated(architecture: string | Partial<Architecture>): Partial<Architecture> {
  if (typeof architecture !== "string") return checkArchitecture(architecture, "caller");
  // Whether a shortcut is a projection stands in the file, and both kinds go by one name.
  const { shortcut: _, ...structure } = wellKnownArchitecture(architecture);
  return structure;
}
