import { OptionError, UnsupportedModelError } from "../../errors.js";
import { fuse } from "../../graph/fuse.js";
import type { Architecture, Network } from "../../graph/network.js";
import type { ArrivingTensor, Tensor } from "../../graph/tensor.js";
import type { ModelCard } from "../card.js";
import type { BuildOptions, State } from "../construct.js";
import { FileParameters } from "../file-parameters.js";
import { checkInputSize, defaultInputSize } from "../input-size.js";
import { IntegerParameters } from "../integers/parameters.js";
import type { Scales } from "../integers/scales.js";
import type { FamilyReader, FoundFamily } from "./family.js";
import { invertedReader } from "./find-inverted.js";
import { isFamilyName, standsFor } from "./names.js";
import { cifarReader, timmReader } from "./pre-activation.js";
import { regnetReader } from "./regnet.js";

const readers: readonly FamilyReader[] = [invertedReader, regnetReader, timmReader, cifarReader];

/** Fields of `architecture` that every network has. */
const common: readonly string[] = ["name", "classes", "scores", "prefix"];

/** Wrappers' names before a network's own. */
const wrapper = /^(?:module|model|network|net|backbone|encoder|_orig_mod|state_dict)\./;

/**
 * Builds a network of a family beside the ResNets; null where the file is of none. Throws as `buildNetwork` does: a field that is
 * stated and that the family has no place for is refused. `scales`: of weights of integers, by their layers.
 */
export function buildFamily(
  state: State,
  options: BuildOptions & { readonly card: ModelCard },
  stated: Partial<Architecture>,
  scales?: Scales["weights"],
): Network | null {
  const { tensors, ignored } = ownNames(state.tensors, stated.prefix);
  let found: FoundFamily | null = null;
  for (const reader of readers) found ??= reader(tensors);
  if (!found) return null;
  const { name, usual, stem = "7x7" } = found;
  checkStated(found, stated);
  if (options.includeTop === true && found.classes === 0) {
    throw new UnsupportedModelError(`The file has no ${found.classifier}; build it with includeTop: false.`);
  }
  const classes = options.includeTop === false ? 0 : found.classes;
  const parameters = scales ? new IntegerParameters(tensors, scales) : new FileParameters(tensors);
  if (classes === 0) parameters.skip(found.classifier);
  const inputSize = checkInputSize(options.inputSize ?? options.card.preprocess.crop ?? defaultInputSize({ stem }));
  const traits = { ...usual, ...stated };
  const network = found.lay(traits, classes, parameters, inputSize);
  parameters.refuseLeftOver();
  const { prefix: _, ...shown } = stated;
  return {
    ...fuse(network, options.foldBatchNorm ?? true),
    architecture: { ...usual, ...shown, ...(stem === "3x3" ? { stem } : {}), name, classes },
    arriving: state.arrival,
    ...(ignored.length > 0 ? { ignored } : {}),
    // A name that stands for one of these networks states all of it.
    assumed:
      stated.name !== undefined && isFamilyName(stated.name)
        ? {}
        : Object.fromEntries(
            Object.entries(usual).filter(([field]) => stated[field as keyof Architecture] === undefined),
          ),
  };
}

/** Tensors by their names in the network, without what wrappers put before them, and without BatchNorm's counts. */
function ownNames(file: State["tensors"], stated: string | undefined) {
  let prefix = stated === undefined ? "" : `${stated.replace(/\.$/, "")}.`;
  const names = [...file.keys()].filter((name) => name.startsWith(prefix));
  for (;;) {
    const next = wrapper.exec(names[0]?.slice(prefix.length) ?? "")?.[0];
    if (next === undefined || !names.every((name) => name.startsWith(prefix + next))) break;
    prefix += next;
  }
  const tensors = new Map<string, Tensor | ArrivingTensor>();
  /** What a stated prefix leaves out. */
  const ignored: string[] = [];
  for (const [name, tensor] of file) {
    if (name.endsWith("num_batches_tracked")) continue;
    if (name.startsWith(prefix)) tensors.set(name.slice(prefix.length), tensor);
    else ignored.push(name);
  }
  return { tensors, ignored };
}

function checkStated({ name, usual }: FoundFamily, stated: Partial<Architecture>): void {
  if (stated.name !== undefined && !standsFor(stated.name, name)) {
    throw new UnsupportedModelError(
      `"${stated.name.slice(0, 80)}" is stated as the architecture, but the tensors are those of ${name}.`,
    );
  }
  for (const field of Object.keys(stated)) {
    if (common.includes(field) || field in usual) continue;
    throw new OptionError(
      `architecture.${field} does not apply to ${name}: ${[...common, ...Object.keys(usual)].join(", ")} can be stated of it.`,
    );
  }
}
