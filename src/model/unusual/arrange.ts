import { UnsupportedModelError } from "../../errors.js";
import type { Architecture } from "../../graph/network.js";
import type { ArrivingTensor, Tensor, TensorInfo } from "../../graph/tensor.js";
import { recognize } from "../recognize.js";
import { findHead } from "./heads.js";
import { findTrunks, type Trunk } from "./names.js";
import { joinParts, type Readable } from "./parametrized.js";

/** A file's tensors, as the parts that they play. */
export interface Arrangement {
  /** By torchvision's names; a head of several layers is "fc.0", "fc.1" ... What plays no part keeps its own name. */
  readonly tensors: Map<string, Readable>;
  /** Names of what was passed over on purpose. */
  readonly ignored: string[];
}

/** Letters of a name. */
const LONGEST = 1000;

/** What training leaves in a file beside the network. */
const passengers =
  /(^|[._])(n_averaged|total_ops|total_params|global_step|queue|queue_ptr|queue_labels|logit_scale|temperature|center)$|(^|\.)(criterion\w*|loss\w*|\w*_loss|metrics?|\w*(train|val|valid|test)_\w+|\w*(accuracy|acc|auroc|f1\w*|confusion\w*)|optimizer|scheduler|ema_\w+)\./i;

/** An image's normalisation, kept as buffers: the preprocessing has it. */
export const normalisation = /(^|[._])(mean|std|image_mean|image_std|pixel_mean|pixel_std)$/i;

/** Of pairs that self-supervised training keeps, the network that learns. */
const pairs: readonly (readonly [RegExp, RegExp])[] = [
  [/encoder_q\./, /encoder_k\./],
  [/base_encoder\./, /momentum_encoder\./],
  [/online_\w+\./, /target_\w+\./],
  [/(^|\.)backbone\./, /(^|\.)(backbone_momentum|momentum_backbone)\./],
];
const pretrainings =
  /(^|[._])(encoder_[qk]|momentum_\w+|target_encoder|online_encoder|queue|prototypes|predictor|projector)\b/i;

/**
 * Finds a network's tensors in a file whose names are not torchvision's alone: any prefix, other naming, weights in parts, other
 * heads, and passengers. Throws `UnsupportedModelError` where the file leaves a choice open, and names the field that states it.
 */
export function arrange(
  file: ReadonlyMap<string, Tensor | ArrivingTensor>,
  inOrder: boolean,
  stated: Partial<Architecture>,
  includeTop: boolean,
): Arrangement {
  const weights = new Map<string, Tensor | ArrivingTensor>();
  for (const [name, tensor] of file) {
    if (name.length > LONGEST)
      throw new UnsupportedModelError(`A tensor's name has ${name.length} letters: ${name.slice(0, 80)} ...`);
    // Messages tell a tensor by its name in the file.
    if (!name.endsWith("num_batches_tracked")) weights.set(name, tensor.name === name ? tensor : { ...tensor, name });
  }
  const joined = joinParts(weights, stated.loraScale);
  const trunks = findTrunks(joined, inOrder);
  // Nothing that can be told apart: recognising it says what was expected.
  if (trunks.length === 0) return { tensors: joined, ignored: [] };
  const { prefix, tensors } = choose(trunks, stated.prefix);
  const ignored: string[] = [];
  const rest = new Map<string, Readable>();
  const own = new Set<TensorInfo>(tensors.values());
  for (const [name, tensor] of joined) {
    if (own.has(tensor)) continue;
    const other = trunks.some(
      (trunk) => trunk.prefix !== prefix && trunk.prefix !== "" && name.startsWith(trunk.prefix),
    );
    if (other || passengers.test(name) || (normalisation.test(name) && isTriple(tensor))) ignored.push(name);
    else rest.set(name, tensor);
  }
  const named = new Map(tensors);
  const { widths, block } = recognize(named);
  const features = widths.at(-1)! * (block === "bottleneck" ? 4 : 1);
  if (includeTop) {
    const pretraining = [...file.keys()].some((name) => pretrainings.test(name));
    findHead(rest, named, ignored, features, stated, pretraining);
  } else {
    for (const [name, { shape }] of rest) {
      if (shape.length !== 1 && shape.length !== 2) continue;
      rest.delete(name);
      ignored.push(name);
    }
  }
  for (const [name, tensor] of named) {
    // A 1x1 convolution of pooled features is a linear layer.
    if (name.startsWith("fc") && tensor.shape.length === 4 && !("parts" in tensor)) {
      const shape = tensor.shape.slice(0, 2);
      named.set(
        name,
        "arrival" in tensor ? { ...tensor, shape } : { ...tensor, shape, strides: tensor.strides.slice(0, 2) },
      );
    }
  }
  // A cosine layer's learned factor is stated as cosineScale.
  for (const [name, { shape }] of rest) {
    if (stated.cosineScale === undefined || shape.some((extent) => extent !== 1)) continue;
    rest.delete(name);
    ignored.push(name);
  }
  for (const [name, tensor] of rest) named.set(named.has(name) ? `${name} ` : name, tensor);
  return { tensors: named, ignored };
}

function choose(trunks: readonly Trunk<Readable>[], stated: string | undefined): Trunk<Readable> {
  const prefixes = trunks.map(({ prefix }) => prefix);
  if (stated !== undefined) {
    const found = trunks.find(
      ({ prefix }) => prefix === stated || prefix === `${stated}.` || prefix.endsWith(`.${stated}`),
    );
    if (found) return found;
    throw new UnsupportedModelError(
      `architecture.prefix is "${stated}", but no network's names begin with that. The file has ${show(prefixes)}.`,
    );
  }
  if (trunks.length === 1) return trunks[0]!;
  for (const [kept, passed] of pairs) {
    const learning = trunks.filter(({ prefix }) => kept.test(prefix) && !passed.test(prefix));
    const others = trunks.filter(({ prefix }) => passed.test(prefix));
    if (learning.length === 1 && others.length === trunks.length - 1) return learning[0]!;
  }
  throw new UnsupportedModelError(
    `The file holds several networks, whose names begin with ${show(prefixes)}. Choose one: architecture: { prefix: ${JSON.stringify(prefixes[0])} }.`,
  );
}

const show = (prefixes: readonly string[]) =>
  prefixes
    .slice(0, 8)
    .map((prefix) => (prefix ? `"${prefix.slice(0, 100)}"` : "nothing"))
    .join(", ");

const isTriple = ({ shape }: TensorInfo) => shape.reduce((product, extent) => product * extent, 1) === 3;
