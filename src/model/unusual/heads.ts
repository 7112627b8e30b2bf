import { UnsupportedModelError } from "../../errors.js";
import type { Architecture } from "../../graph/network.js";
import type { TensorInfo } from "../../graph/tensor.js";

/** A layer of a head: a linear one, or a BatchNorm. */
interface Layer {
  readonly path: string;
  readonly kind: "linear" | "batchnorm";
  readonly inputs: number;
  readonly outputs: number;
  readonly biased: boolean;
}

/** Heads that were made for training, and are left out of a network that is used. */
const projections =
  /(^|[._])(projection_?head|projector|projection|proj_head|predictor|contrastive_head|mlp_head|prototypes|simclr_head|head_simclr)\b/i;

/** A block's own: squeeze and excitation has linear layers too. */
const inBlock = /(^|[._])(layers?|stages?|blocks?|res|conv)_?\d*(_x)?[._]\d+[._]/i;

/**
 * The layers between pooled features and logits, put under "fc.": `rest` are the tensors that are not the trunk's; those of the
 * head go over to `tensors`, those of training heads to `ignored`. `pretraining`: a training by contrasts, whose one head is a
 * projection. Throws `UnsupportedModelError` where the file leaves open what the head is, and shows what to state.
 */
export function findHead<T extends TensorInfo>(
  rest: Map<string, T>,
  tensors: Map<string, T>,
  ignored: string[],
  features: number,
  stated: Partial<Architecture>,
  pretraining: boolean,
): void {
  const wanted = stated.headPrefix;
  const all = layersOf(rest);
  const layers = all.filter(({ path }) =>
    wanted === undefined ? stated.head || !(pretraining || projections.test(path)) : `${path}.`.startsWith(wanted),
  );
  if (wanted !== undefined && layers.length === 0) {
    throw new UnsupportedModelError(
      `architecture.headPrefix is "${wanted}", and no linear layer's name begins with that. The file has ${list(all)}.`,
    );
  }
  for (const { path } of all) if (!layers.some((layer) => layer.path === path)) leaveOut(path, rest, ignored);
  if (layers.length === 0) return;

  const linear = layers.filter(({ kind }) => kind === "linear");
  const ordered = chain(layers, features);
  if (!ordered) {
    if (linear.filter(({ inputs }) => inputs === features).length > 1 && wanted === undefined) {
      const prefixes = [...new Set(linear.map(({ path }) => `${path.split(".").slice(0, -1).join(".") || path}.`))];
      throw new UnsupportedModelError(
        `The file has several heads: ${list(linear)}. Choose one: architecture: { headPrefix: "${linear[0]!.path}." }` +
          `${prefixes.length > 1 ? `, or "${linear.at(-1)!.path}."` : ""}; or load with includeTop: false.`,
      );
    }
    // A single layer of other features is refused with its shape when the network is built.
    if (linear.length === 1 && layers.length === 1) move(layers[0]!.path, "fc", rest, tensors);
    return;
  }
  check(ordered, features, stated);
  ordered.forEach(({ path }, index) => {
    move(path, ordered.length === 1 ? "fc" : `fc.${index}`, rest, tensors);
  });
}

/** Refuses a head that could be one of several kinds, and shows the line that states it. */
function check(layers: readonly Layer[], features: number, { head }: Partial<Architecture>): void {
  const learned = head?.filter((word) => word === "linear" || word === "cosine" || word === "batchnorm");
  if (learned) {
    const kinds = learned.map((word) => (word === "batchnorm" ? "batchnorm" : "linear"));
    if (kinds.join() === layers.map(({ kind }) => kind).join()) return;
    throw new UnsupportedModelError(
      `architecture.head is ${JSON.stringify(head)}, but the file's head has ${list(layers)}.`,
    );
  }
  if (layers.length === 1) {
    const [only] = layers as [Layer];
    if (only.kind === "batchnorm" || only.biased) return;
    throw new UnsupportedModelError(
      `${only.path}.weight [${only.outputs}, ${features}] has no bias: it may be a linear layer, or a cosine classifier. ` +
        'State which: architecture: { head: ["linear"] }, or { head: ["cosine"], cosineScale: 16 }.',
    );
  }
  const last = layers.findLastIndex(({ kind }) => kind === "linear");
  const words = layers.flatMap(({ kind }, index) =>
    index === 0 || index > last || kind === "batchnorm" ? [kind] : ["relu", kind],
  );
  throw new UnsupportedModelError(
    `The file's head has ${list(layers)}, and does not say what stands between them. State it: ` +
      `architecture: { head: ${JSON.stringify(words).replaceAll(",", ", ")} }, with its own activations; dropout does not matter.`,
  );
}

function layersOf(tensors: ReadonlyMap<string, TensorInfo>): Layer[] {
  const layers: Layer[] = [];
  for (const [name, { shape }] of tensors) {
    const path = name.slice(0, Math.max(0, name.lastIndexOf(".")));
    if (inBlock.test(name)) continue;
    const matrix = shape.length === 2 || (shape.length === 4 && shape[2] === 1 && shape[3] === 1);
    if (name.endsWith(".weight") && matrix) {
      const [outputs, inputs] = shape as [number, number];
      layers.push({ path, kind: "linear", inputs, outputs, biased: tensors.has(`${path}.bias`) });
    } else if (name.endsWith(".running_mean")) {
      layers.push({ path, kind: "batchnorm", inputs: shape[0]!, outputs: shape[0]!, biased: true });
    }
  }
  return layers;
}

/** The layers as one follows from another, all of them; null where they do not follow. A file's order decides between equals. */
function chain(layers: readonly Layer[], features: number): Layer[] | null {
  const containers = new Set(layers.filter(({ kind }) => kind === "linear").map(({ path }) => path.split(".")[0]));
  const left = [...layers];
  const ordered: Layer[] = [];
  let width = features;
  while (left.length > 0) {
    const next = left.findIndex(({ inputs }) => inputs === width);
    if (next < 0) return null;
    const [layer] = left.splice(next, 1) as [Layer];
    ordered.push(layer);
    width = layer.outputs;
  }
  // Beside each other under names of their own, layers of equal inputs are heads of several tasks.
  const linear = ordered.filter(({ kind }) => kind === "linear");
  const equals = linear.length > 1 && linear.every(({ inputs }) => inputs === features);
  return equals && containers.size === linear.length ? null : ordered;
}

function move<T>(path: string, to: string, rest: Map<string, T>, tensors: Map<string, T>): void {
  for (const [name, tensor] of rest) {
    if (name.slice(0, name.lastIndexOf(".")) !== path) continue;
    rest.delete(name);
    tensors.set(to + name.slice(path.length), tensor);
  }
}

function leaveOut(path: string, rest: Map<string, unknown>, ignored: string[]): void {
  for (const name of rest.keys()) {
    if (name.slice(0, name.lastIndexOf(".")) !== path) continue;
    rest.delete(name);
    ignored.push(name);
  }
}

const list = (layers: readonly Layer[]) =>
  layers
    .slice(0, 8)
    .map(
      ({ path, kind, inputs, outputs }) =>
        `${path} (${kind} ${kind === "linear" ? `${inputs} to ${outputs}` : inputs})`,
    )
    .join(", ");
