import { SourceError } from "../errors.js";
import type { Network } from "../graph/network.js";
import type { ArrivingTensor, Tensor } from "../graph/tensor.js";
import { QUANTIZATION } from "../weights/integers-format.js";
import { assemble } from "./assemble.js";
import { modelCard } from "./card.js";
import { type BuildOptions, construct, type State } from "./construct.js";
import { FileParameters } from "./file-parameters.js";
import { recognize } from "./recognize.js";

export type { BuildOptions, State } from "./construct.js";

/** Code that most files do without. */
export interface Readers {
  /** For every file that is not as torchvision writes it, or of which something is stated. */
  loadUnusual(): Promise<typeof import("./unusual/index.js")>;
  /** For files of integers. */
  loadIntegers(): Promise<typeof import("./integers/index.js")>;
}

/** As `buildNetwork`; what most files do without is loaded where a file or an option needs it. */
export async function openNetwork(state: State, options: BuildOptions, readers: Readers): Promise<Network> {
  if (state.build) return state.build(options) as Network;
  const plain = state.metadata.has(QUANTIZATION)
    ? await openIntegers(state, options, readers)
    : buildPlain(state, options);
  if (plain) return plain;
  const unusual = await readers.loadUnusual().catch(unloaded);
  return unusual.openNetwork(state, options);
}

function unloaded(cause: unknown): never {
  const all = "serve all of the package's scripts from one folder";
  throw new SourceError(`The reader of this kind of network could not be loaded: ${all}.`, { cause });
}

/** As `buildPlain`, of a file of integers. */
async function openIntegers(state: State, options: BuildOptions, { loadIntegers }: Readers): Promise<Network | null> {
  const { IntegerParameters, scalesArrived, takeScales, withIntegers } = await loadIntegers().catch(unloaded);
  await scalesArrived(state);
  const { rest, scales } = takeScales(state)!;
  const plain = buildPlain(
    { ...state, tensors: rest },
    options,
    (tensors) => new IntegerParameters(tensors, scales.weights),
  );
  return plain && withIntegers(plain, scales, options.integers);
}

type FileTensors = ReadonlyMap<string, Tensor | ArrivingTensor>;

const plainName =
  /^(conv1(\.\d)?|bn1|layer\d+\.\d+\.((conv|bn)\d|downsample\.\d)|fc)\.(weight|bias|running_mean|running_var|num_batches_tracked)$/;

/** The network of a file that has torchvision's names alone, and of which nothing is stated that it does not show; else null. */
function buildPlain(
  state: State,
  options: BuildOptions,
  parametersOf = (tensors: FileTensors) => new FileParameters(tensors),
): Network | null {
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
  return construct(assemble, state, { ...options, card }, tensors, parametersOf(tensors), {});
}
