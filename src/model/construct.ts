import { UnsupportedModelError } from "../errors.js";
import { fuse } from "../graph/fuse.js";
import type { Architecture, ResidualNetwork } from "../graph/network.js";
import type { ArrivingTensor, StateDict, Tensor, TensorInfo } from "../graph/tensor.js";
import type { assemble } from "./assemble.js";
import type { ModelCard } from "./card.js";
import type { FileParameters } from "./file-parameters.js";
import { checkInputSize, defaultInputSize, type Size } from "./input-size.js";
import { recognize } from "./recognize.js";

export interface BuildOptions {
  /** Overrides what names, shapes and the card say, field by field; a well-known name states the structure, not the classes. */
  architecture?: string | Partial<Architecture>;
  /** The input's side in pixels, or [height, width]; the card's crop, else 224 for an ImageNet stem and 32 for a CIFAR stem. */
  inputSize?: Size;
  /** Keep a file's integers: weights with `int8`, and values that are rounded. Default false: f32 throughout. */
  integers?: boolean;
  /** Default true. */
  foldBatchNorm?: boolean;
  /** As `LoadOptions.inputs`. */
  inputs?: Readonly<Record<string, ArrayLike<number> | ArrayLike<bigint>>>;
  /** False ends the network in pooled features; true insists on a classifier. Unset: a classifier where the file has one. */
  includeTop?: boolean;
  /** What is known beside the weights; `modelCard(state)` unless given. */
  card?: ModelCard;
}

export type State = StateDict<Tensor | ArrivingTensor>;

/** The network of tensors under torchvision's names. */
export function construct(
  lay: typeof assemble,
  state: State,
  options: BuildOptions & { card: ModelCard },
  tensors: ReadonlyMap<string, TensorInfo>,
  parameters: FileParameters,
  stated: Partial<Architecture>,
): ResidualNetwork {
  const recognized = recognize(tensors);
  if (options.includeTop === true && recognized.classes === 0) {
    throw new UnsupportedModelError("The file has no classifier (fc.weight); build it with includeTop: false.");
  }
  const classes = options.includeTop === false ? 0 : recognized.classes;
  const architecture = { ...recognized, name: "resnet", ...stated, classes };
  if (classes === 0) parameters.skip("fc.");
  const inputSize = checkInputSize(options.inputSize ?? options.card.preprocess.crop ?? defaultInputSize(architecture));
  const network = lay(architecture, parameters, inputSize);
  parameters.refuseLeftOver();
  return { ...fuse(network, options.foldBatchNorm ?? true), architecture, arriving: state.arrival };
}
