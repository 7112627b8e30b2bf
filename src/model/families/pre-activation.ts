import { UnsupportedModelError } from "../../errors.js";
import type { Architecture, Network, Weight } from "../../graph/network.js";
import { elementCount } from "../../graph/tensor.js";
import type { Sides } from "../assemble.js";
import type { Parameters } from "../parameters.js";
import type { FamilyReader } from "./family.js";
import { Layout } from "./layout.js";
import { extent, type Tensors } from "./tensors.js";

/** Names of a block's layers: each convolution behind its norm (He et al. 2016, "Identity Mappings in Deep Residual Networks"). */
interface Block {
  readonly name: string;
  readonly norms: readonly string[];
  readonly convs: readonly string[];
  /** The projection's convolution, where there is one. */
  readonly shortcut: string | null;
}

interface Shape {
  /** One convolution, or three with the norms between them. */
  readonly stem: readonly string[];
  readonly stemNorms: readonly string[];
  readonly stages: readonly (readonly Block[])[];
  /** Behind the last block; null: none. */
  readonly norm: string | null;
  readonly classifier: string;
  /** GroupNorm in place of BatchNorm. */
  readonly grouped: boolean;
}

/** How many there are in a row, from `first` on. */
function count(first: number, has: (index: number) => boolean): number {
  let index = first;
  while (has(index)) index++;
  return index - first;
}

function lay(
  tensors: Tensors,
  shape: Shape,
  traits: Partial<Architecture>,
  classes: number,
  parameters: Parameters,
  inputSize: Sides,
): Network {
  const layout = new Layout(parameters, inputSize, traits);
  const standardize = traits.weightStandardization ? standardized : undefined;
  const { activation = "relu" } = traits;
  const convolution = (name: string, stride = 1) =>
    layout.convolution(name, extent(tensors, name), { kernel: extent(tensors, name, 2), stride }, standardize);
  const normalize = (name: string) => {
    if (shape.grouped) layout.groupNorm(name, traits.normGroups ?? 32);
    else layout.batchNorm(name);
    layout.activate(`${name}.act`, activation);
  };

  const [first, ...others] = shape.stem as [string, ...string[]];
  const imagenet = extent(tensors, first, 2) === 7 || others.length > 0;
  convolution(first, imagenet ? 2 : 1);
  for (const [index, name] of others.entries()) {
    normalize(shape.stemNorms[index]!);
    convolution(name);
  }
  if (imagenet) {
    // BiT's pads with zeros, which win over what is below zero.
    if (standardize) layout.pad("stem.pad", 1).maxPool("stem.pool", 3, 2, 0);
    else layout.maxPool("stem.pool", 3, 2, 1);
  }
  layout.endStage("stem");
  for (const [index, blocks] of shape.stages.entries()) {
    for (const [place, { name, norms, convs, shortcut }] of blocks.entries()) {
      const stride = place === 0 ? (traits.stageStrides?.[index] ?? (index === 0 ? 1 : 2)) : 1;
      const input = layout.current;
      normalize(norms[0]!);
      const active = layout.current;
      if (traits.shortcutFrom === "input") layout.current = input;
      if (shortcut !== null) {
        const averaged = traits.shortcut === "average-projection" && stride > 1;
        if (averaged) layout.averagePool(`${shortcut}.pool`, 2, stride);
        convolution(shortcut, averaged ? 1 : stride);
      }
      const other = shortcut === null ? input : layout.current;
      layout.current = active;
      // A bottleneck strides in its 3x3, a basic block in its first.
      const strided = convs.length === 3 ? 1 : 0;
      for (const [step, conv] of convs.entries()) {
        if (step > 0) normalize(norms[step]!);
        convolution(conv, step === strided ? stride : 1);
      }
      layout.add(`${name}.add`, other);
    }
    layout.endStage(`layer${index + 1}`);
  }
  if (shape.norm !== null) normalize(shape.norm);
  layout.globalAveragePool("avgpool");
  if (classes > 0)
    layout.linear(shape.classifier, classes, tensors.get(`${shape.classifier}.weight`)?.shape.length === 4);
  layout.endStage("head");
  return layout.network({ name: "", classes });
}

/** Qiao et al. 2019, "Micro-Batch Training with Batch-Channel Normalization and Weight Standardization", with timm's 1e-8; in f64. */
function standardized(weight: Weight): Weight {
  const row = elementCount(weight.shape.slice(1));
  return {
    ...weight,
    int8: undefined,
    read(begin, end, target) {
      weight.read(begin, end, target);
      for (let at = 0; at < (end - begin) * row; at += row) {
        const values = target.subarray(at, at + row);
        let [sum, squares] = [0, 0];
        for (const value of values) sum += value;
        const mean = sum / row;
        for (const value of values) squares += (value - mean) ** 2;
        const scale = 1 / Math.sqrt(squares / row + 1e-8);
        for (let i = 0; i < row; i++) values[i] = (values[i]! - mean) * scale;
      }
    },
  };
}

function classesOf(tensors: Tensors, classifier: string): number {
  return tensors.has(`${classifier}.weight`) ? extent(tensors, classifier) : 0;
}

/** timm's resnetv2.py, BiT (Kolesnikov et al. 2019) among them: `stages.STAGE.blocks.BLOCK.LAYER`. */
export const timmReader: FamilyReader = (tensors) => {
  if (!tensors.has("stages.0.blocks.0.norm1.weight") || !tensors.has("norm.weight")) return null;
  const deep = tensors.has("stem.conv1.weight");
  if (!deep && !tensors.has("stem.conv.weight")) return null;
  const stages = count(0, (stage) => tensors.has(`stages.${stage}.blocks.0.conv1.weight`));
  const blocks = Array.from({ length: stages }, (_, stage) =>
    Array.from(
      { length: count(0, (block) => tensors.has(`stages.${stage}.blocks.${block}.conv1.weight`)) },
      (__, block) => {
        const own = blockOf(tensors, `stages.${stage}.blocks.${block}`, "norm", ["downsample.conv"]);
        // A stage of bottlenecks begins with a projection, whether widths differ or not.
        const projected = block === 0 && own.convs.length === 3;
        return projected ? { ...own, shortcut: `${own.name}.downsample.conv` } : own;
      },
    ),
  );
  const grouped = !tensors.has("norm.running_mean");
  const shape: Shape = {
    stem: deep ? ["stem.conv1", "stem.conv2", "stem.conv3"] : ["stem.conv"],
    stemNorms: ["stem.norm1", "stem.norm2"],
    stages: blocks,
    ...{ norm: "norm", classifier: "head.fc", grouped },
  };
  const depth = blocks.flat().reduce((sum, { convs }) => sum + convs.length, 2);
  return {
    name: `resnetv2_${depth}`,
    classes: classesOf(tensors, "head.fc"),
    classifier: "head.fc.",
    usual: {
      activation: "relu",
      epsilon: 1e-5,
      shortcut: deep ? "average-projection" : "projection",
      // timm's networks of GroupNorm with a plain stem are BiT's.
      ...(grouped ? { normGroups: 32, weightStandardization: !deep } : {}),
      stageStrides: blocks.map((_, stage) => (stage === 0 ? 1 : 2)),
    },
    lay: (traits, classes, parameters, inputSize) => lay(tensors, shape, traits, classes, parameters, inputSize),
  };
};

function blockOf(tensors: Tensors, name: string, norm: string, shortcuts: readonly string[]): Block {
  const layers = tensors.has(`${name}.conv3.weight`) ? [1, 2, 3] : [1, 2];
  const shortcut = shortcuts.find((layer) => tensors.has(`${name}.${layer}.weight`));
  return {
    name,
    norms: layers.map((layer) => `${name}.${norm}${layer}`),
    convs: layers.map((layer) => `${name}.conv${layer}`),
    shortcut: shortcut === undefined ? null : `${name}.${shortcut}`,
  };
}

/**
 * Pre-activation networks of CIFAR's repositories: WideResNets (`block1.layer.0.bn1`), and ResNet-164 and its like, whose names are a
 * plain ResNet's: there the first norm has as many channels as come in.
 */
export const cifarReader: FamilyReader = (tensors) => {
  const wide = tensors.has("block1.layer.0.bn1.weight");
  if (!wide && !normsItsInput(tensors)) return null;
  const stageName = (stage: number) => (wide ? `block${stage}.layer` : `layer${stage}`);
  const shortcuts = ["convShortcut", "shortcut.0", "shortcut", "downsample.0", "downsample"];
  const stages = count(1, (stage) => tensors.has(`${stageName(stage)}.0.conv1.weight`));
  const blocks = Array.from({ length: stages }, (_, stage) =>
    Array.from(
      { length: count(0, (block) => tensors.has(`${stageName(stage + 1)}.${block}.conv1.weight`)) },
      (__, block) => blockOf(tensors, `${stageName(stage + 1)}.${block}`, "bn", shortcuts),
    ),
  );
  const all = blocks.flat();
  if (all.length === 0) return null;
  const biased = all.flatMap(({ convs }) => convs).find((conv) => tensors.has(`${conv}.bias`));
  if (biased !== undefined || extent(tensors, "conv1", 2) !== 3) {
    const name = biased === undefined ? "conv1.weight" : `${biased}.bias`;
    throw new UnsupportedModelError(
      `A pre-activation network with ${name} of shape [${tensors.get(name)?.shape}] is not supported: a stem of 3x3 and convolutions without biases are.`,
    );
  }
  const classifier = tensors.has("linear.weight") ? "linear" : "fc";
  const shape: Shape = {
    ...{ stem: ["conv1"], stemNorms: [], stages: blocks, grouped: false, classifier },
    norm: ["bn1", "bn"].find((norm) => tensors.has(`${norm}.weight`)) ?? null,
  };
  const depth = all.reduce((sum, { convs }) => sum + convs.length, 2);
  const width = Math.floor(extent(tensors, all[0]!.convs.at(-1)!) / 16);
  return {
    // A WideResNet's depth counts the projections of its three stages, but not the stem's twin.
    name: wide ? `wrn-${depth + 2}-${width}` : `preact_resnet${depth}`,
    classes: classesOf(tensors, classifier),
    classifier: `${classifier}.`,
    stem: "3x3",
    usual: {
      activation: "relu",
      epsilon: 1e-5,
      shortcutFrom: all.some(({ shortcut }) => shortcut?.includes("downsample")) ? "input" : "activation",
      stageStrides: blocks.map((_, stage) => (stage === 0 ? 1 : 2)),
    },
    lay: (traits, classes, parameters, inputSize) => lay(tensors, shape, traits, classes, parameters, inputSize),
  };
};

/** Whether the second stage's first norm stands before its convolution. */
function normsItsInput(tensors: Tensors): boolean {
  const norm = tensors.get("layer2.0.bn1.weight")?.shape[0];
  const [out, into] = tensors.get("layer2.0.conv1.weight")?.shape ?? [];
  return norm !== undefined && norm === into && norm !== out;
}
