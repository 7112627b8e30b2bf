import { SourceError, UnsupportedModelError } from "../errors.js";
import type { ArrivingTensor, StateDict, Tensor, TensorInfo } from "../tensor.js";
import { assemble } from "./assemble.js";
import { type ModelCard, modelCard } from "./card.js";
import { FileParameters } from "./file-parameters.js";
import { fuse } from "./fuse.js";
import { checkInputSize, defaultInputSize, type Size } from "./input-size.js";
import type { Architecture, Network } from "./network.js";
import { recognize } from "./recognize.js";

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

export type State = StateDict<Tensor | ArrivingTensor>;

/** The code for every file that is not as torchvision writes it, or of which something is stated. */
export type Unusual = typeof import("./unusual/index.js");

/** As `buildNetwork`; what most files do without is loaded where a file or an option needs it. */
export async function openNetwork(
  state: State,
  options: BuildOptions,
  loadUnusual: () => Promise<Unusual>,
): Promise<Network> {
  const plain = buildPlain(state, options);
  if (plain) return plain;
  const unusual = await loadUnusual().catch((cause) => {
    throw new SourceError(
      "The reader of this kind of network could not be loaded: serve all of the package's scripts from one folder.",
      {
        cause,
      },
    );
  });
  return unusual.buildNetwork(state, options);
}

const plainName =
  /^(conv1(\.\d)?|bn1|layer\d+\.\d+\.((conv|bn)\d|downsample\.\d)|fc)\.(weight|bias|running_mean|running_var|num_batches_tracked)$/;

/** The network of a file that has torchvision's names alone, and of which nothing is stated that it does not show; else null. */
function buildPlain(state: State, options: BuildOptions): Network | null {
  const tensors = new Map<string, Tensor | ArrivingTensor>();
  for (const [name, tensor] of state.tensors) {
    if (!plainName.test(name)) return null;
    if (!name.endsWith("num_batches_tracked")) tensors.set(name, tensor);
  }
  if (!tensors.has("fc.bias") && tensors.has("fc.weight")) return null;
  const card = options.card ?? modelCard(state);
  if (typeof options.architecture === "string") return null;
  const recognized: Record<string, unknown> = { ...recognize(tensors), family: "resnet" };
  for (const [field, value] of Object.entries({ ...card.architecture, ...options.architecture })) {
    if (value != null && JSON.stringify(value) !== JSON.stringify(recognized[field])) return null;
  }
  return construct(assemble, state, { ...options, card }, tensors, new FileParameters(tensors), {});
}

/** The network of tensors under torchvision's names. */
export function construct(
  lay: typeof assemble,
  state: State,
  options: BuildOptions & { card: ModelCard },
  tensors: ReadonlyMap<string, TensorInfo>,
  parameters: FileParameters,
  stated: Partial<Architecture>,
): Network {
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
  return { ...fuse(network, options.foldBatchNorm ?? true), arriving: state.arrival };
}
