import { UnsupportedModelError } from "../errors.js";
import type { TensorInfo } from "../tensor.js";

/** Wrappers whose attribute names precede the network's own. */
const wrappers = /^(?:(?:module|_orig_mod|model|net|backbone|resnet)\.)+/;

const classifier = /^(?:fc|linear|classifier|head|head\.fc|last_linear)(?:\.\d+)?\.(weight|bias)$/;

/** From the naming of Hugging Face Transformers' ResNet and of CIFAR repositories to torchvision's. */
const rewrites: readonly (readonly [RegExp, string | ((...groups: string[]) => string)])[] = [
  [/^embedder\.embedder\.convolution\./, "conv1."],
  [/^embedder\.embedder\.normalization\./, "bn1."],
  [/^encoder\.stages\.(\d+)\.layers\.(\d+)\./, (_, stage, layer) => `layer${Number(stage) + 1}.${layer}.`],
  [/\blayer\.(\d+)\.convolution\./, (_, index) => `conv${Number(index) + 1}.`],
  [/\blayer\.(\d+)\.normalization\./, (_, index) => `bn${Number(index) + 1}.`],
  [/\bshortcut\.(?:convolution|conv)\./, "downsample.0."],
  [/\bshortcut\.(?:normalization|bn)\./, "downsample.1."],
  [/\bshortcut\./, "downsample."],
  [classifier, "fc.$1"],
];

/** A tensor's name as torchvision's ResNet has it; a name that plays no known part is returned without its wrappers. */
export function torchvisionName(name: string): string {
  let plain = name.replace(wrappers, "");
  for (const [pattern, replacement] of rewrites) plain = plain.replace(pattern, replacement as string);
  return plain;
}

/**
 * Tensors by torchvision's names, without BatchNorm's step counters. Throws `UnsupportedModelError` where two tensors of the
 * file play one part.
 */
export function byTorchvisionName<T extends TensorInfo>(tensors: ReadonlyMap<string, T>): Map<string, T> {
  const named = new Map<string, T>();
  for (const [original, tensor] of tensors) {
    if (original.endsWith("num_batches_tracked")) continue;
    const name = torchvisionName(original);
    const other = named.get(name);
    if (other) {
      throw new UnsupportedModelError(
        `"${original.slice(0, 200)}" and "${other.name.slice(0, 200)}" would both be ${name} of a residual network. Keep one of them in the file.`,
      );
    }
    named.set(name, tensor.name === original ? tensor : { ...tensor, name: original });
  }
  return named;
}
