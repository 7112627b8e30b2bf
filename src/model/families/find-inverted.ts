import { UnsupportedModelError } from "../../errors.js";
import type { Activation } from "../../graph/network.js";
import type { FamilyReader } from "./family.js";
import {
  blocksIn,
  type InvertedBlock,
  type InvertedFamily,
  type InvertedShape,
  invertedFamilies,
  layInverted,
  type Squeeze,
  signatureOf,
  traitsOfFamily,
  type Unit,
} from "./inverted.js";
import { extent, type Tensors } from "./tensors.js";

/** A network of inverted residuals, by timm's or torchvision's names. */
export interface FoundInverted {
  readonly family: InvertedFamily;
  readonly shape: InvertedShape;
}

/**
 * Reads a network of inverted residuals from names and shapes; null where the names are of no such network. Shapes are only looked at
 * as far as needed: laying out the network checks every one.
 *
 * Throws `UnsupportedModelError` for stages or blocks that no family has.
 */
export function findInverted(tensors: Tensors): FoundInverted | null {
  const isTimm = ["conv_dw", "conv", "conv_exp"].some((layer) => tensors.has(`blocks.0.0.${layer}.weight`));
  if (tensors.has("conv_stem.weight") && isTimm) return ofTimm(tensors);
  if (tensors.has("features.1.conv.0.0.weight")) return mobileNetV2(tensors);
  if (tensors.has("features.1.block.0.0.weight")) return mobileNetV3(tensors);
  if (tensors.has("features.1.0.block.0.0.weight")) return efficientNet(tensors);
  if (tensors.has("layers.8.0.layers.0.weight")) return mnasNet(tensors);
  return null;
}

/** A block's layers by name, before their shapes are read. */
interface Names {
  readonly name: string;
  readonly expand: Unit | null;
  readonly depthwise: Unit | null;
  readonly squeeze: readonly [reduce: string, expand: string] | null;
  readonly project: Unit;
}

function blockOf(tensors: Tensors, { name, expand, depthwise, squeeze, project }: Names): InvertedBlock {
  const inner = expand ?? depthwise;
  const squeezed: Squeeze | null = squeeze && {
    reduce: squeeze[0],
    expand: squeeze[1],
    channels: extent(tensors, squeeze[0]),
  };
  return {
    ...{ name, expand, depthwise, squeeze: squeezed, project },
    kernel: extent(tensors, (depthwise ?? expand ?? project).conv, 2),
    inner: inner ? extent(tensors, inner.conv) : 1,
    out: extent(tensors, project.conv),
  };
}

interface Ends {
  readonly stem: Unit;
  readonly last: Unit | null;
  readonly hidden: string | null;
  readonly classifier: string;
}

/** A stage's sort, as in a family's signature: that of its first block. */
function sortOf([first]: readonly InvertedBlock[]): string {
  const { expand, depthwise, squeeze, kernel } = first!;
  const sort = expand ? (depthwise ? "ir" : "er") : depthwise ? "ds" : "cn";
  return `${sort}${kernel}${squeeze ? "s" : ""}`;
}

function found(tensors: Tensors, names: readonly (readonly Names[])[], ends: Ends): FoundInverted {
  const stages = names.map((stage) => stage.map((block) => blockOf(tensors, block)));
  const signature = stages.map(sortOf).join(" ");
  const family = invertedFamilies.find((candidate) => signatureOf(candidate) === signature);
  if (!family || Boolean(family.hidden) !== Boolean(ends.hidden)) {
    throw new UnsupportedModelError(
      `These are inverted residuals of no network that is known: the stages are ${signature.slice(0, 200)}. ` +
        `Known: ${invertedFamilies.map(({ name }) => name).join(", ")}, of any width, and EfficientNets of any depth.`,
    );
  }
  const { stem, last, hidden, classifier } = ends;
  const shape: InvertedShape = {
    ...{ stem, stages },
    stemWidth: extent(tensors, stem.conv),
    last: last && { ...last, out: extent(tensors, last.conv) },
    hidden: hidden === null ? null : hiddenOf(tensors, hidden),
    classifier: tensors.has(`${classifier}.weight`) ? { name: classifier, classes: extent(tensors, classifier) } : null,
  };
  return { family: { ...family, name: nameOf(family, shape) }, shape };
}

function hiddenOf(tensors: Tensors, name: string) {
  return { name, out: extent(tensors, name), pointwise: tensors.get(`${name}.weight`)?.shape.length === 4 };
}

/** Tan & Le 2019: EfficientNets by their widths at the end and their depths. */
function nameOf({ name }: InvertedFamily, { stages, last }: InvertedShape): string {
  const depths = stages.map(({ length }) => length).join("");
  if (name.startsWith("efficientnetv2")) {
    const size = { "2446915": "_s", "355714185": "_m", "4771019257": "_l", "4881624328": "_xl" }[depths] ?? "";
    return name.includes("rw") ? name : `efficientnetv2${size}`;
  }
  if (!name.startsWith("efficientnet_")) return name;
  const base = name.replace(/\d$/, "");
  // Lite networks keep the first and the last stage as they are, and the width of the head.
  const known: Readonly<Record<string, string>> = base.endsWith("lite")
    ? { "1223341": "0", "1335561": "3", "1446681": "4" }
    : {
        "1223341 1280": "0",
        "2334452 1280": "1",
        "2334452 1408": "2",
        "2335562 1536": "3",
        "2446682 1792": "4",
        "3557793 2048": "5",
        "36688113 2304": "6",
        "4771010134 2560": "7",
      };
  return `${base}${known[base.endsWith("lite") ? depths : `${depths} ${last?.out}`] ?? ""}`.replace(/_b?$/, "");
}

/** timm's: `blocks.STAGE.BLOCK.LAYER`. */
function ofTimm(tensors: Tensors): FoundInverted {
  const stages: Names[][] = [];
  for (let stage = 0; hasBlock(tensors, `blocks.${stage}.0`); stage++) {
    const blocks: Names[] = [];
    for (let block = 0; hasBlock(tensors, `blocks.${stage}.${block}`); block++) {
      blocks.push(timmBlock(tensors, `blocks.${stage}.${block}`));
    }
    stages.push(blocks);
  }
  // Of MobileNetV3 it comes behind the pool, has a bias, and no BatchNorm.
  const normed = tensors.has("bn2.weight") || !stages.at(-1)?.some(({ depthwise }) => depthwise === null);
  return found(tensors, stages, {
    stem: { conv: "conv_stem", norm: "bn1" },
    last: normed ? { conv: "conv_head", norm: "bn2" } : null,
    hidden: normed ? null : "conv_head",
    classifier: "classifier",
  });
}

const timmLayers = ["conv_pw", "conv_dw", "conv", "conv_exp"];
const hasBlock = (tensors: Tensors, name: string) => timmLayers.some((layer) => tensors.has(`${name}.${layer}.weight`));

function timmBlock(tensors: Tensors, name: string): Names {
  const has = (layer: string) => tensors.has(`${name}.${layer}.weight`);
  const unit = (conv: string, norm: string): Unit => ({ conv: `${name}.${conv}`, norm: `${name}.${norm}` });
  const squeeze = has("se.conv_reduce") && ([`${name}.se.conv_reduce`, `${name}.se.conv_expand`] as const);
  const common = { name, squeeze: squeeze || null };
  if (has("conv")) return { ...common, expand: null, depthwise: null, project: unit("conv", "bn1") };
  if (has("conv_exp"))
    return { ...common, expand: unit("conv_exp", "bn1"), depthwise: null, project: unit("conv_pwl", "bn2") };
  if (has("conv_pwl")) {
    const [expand, depthwise] = [unit("conv_pw", "bn1"), unit("conv_dw", "bn2")];
    return { ...common, expand, depthwise, project: unit("conv_pwl", "bn3") };
  }
  return { ...common, expand: null, depthwise: unit("conv_dw", "bn1"), project: unit("conv_pw", "bn2") };
}

const pairOf = (name: string): Unit => ({ conv: `${name}.0`, norm: `${name}.1` });

/** How many `prefix0`, `prefix1` ... there are from `first` on. */
function count(first: number, has: (index: number) => boolean): number {
  let index = first;
  while (has(index)) index++;
  return index - first;
}

/** Blocks in a row, as the stages of the family of as many; in one stage where there is none. */
function staged(blocks: readonly Names[], names: readonly string[]): Names[][] {
  for (const family of invertedFamilies) {
    const counts = family.stages.filter(([first]) => !first!.startsWith("cn")).map(blocksIn);
    if (!names.includes(family.name) || counts.reduce((a, b) => a + b) !== blocks.length) continue;
    let begin = 0;
    return counts.map((length) => {
      begin += length;
      return blocks.slice(begin - length, begin);
    });
  }
  return [[...blocks]];
}

/** torchvision's `features.I.conv`: two or three units, the last convolution and its BatchNorm beside each other. */
function mobileNetV2(tensors: Tensors): FoundInverted {
  const blocks = count(1, (index) => tensors.has(`features.${index}.conv.0.0.weight`));
  const names = Array.from({ length: blocks }, (_, index): Names => {
    const name = `features.${index + 1}`;
    const expands = tensors.has(`${name}.conv.1.0.weight`);
    const [conv, norm] = expands ? [2, 3] : [1, 2];
    return {
      name,
      expand: expands ? pairOf(`${name}.conv.0`) : null,
      depthwise: pairOf(`${name}.conv.${expands ? 1 : 0}`),
      squeeze: null,
      project: { conv: `${name}.conv.${conv}`, norm: `${name}.conv.${norm}` },
    };
  });
  const last = pairOf(`features.${blocks + 1}`);
  return found(tensors, staged(names, ["mobilenet_v2"]), {
    ...{ stem: pairOf("features.0"), last, hidden: null },
    // Before torchvision had dropout there, the classifier was one layer.
    classifier: tensors.has("classifier.1.weight") ? "classifier.1" : "classifier",
  });
}

/** torchvision's `block.0`, `block.1` ...: expand unless there is nothing to expand, depthwise, squeeze, project. */
function blockNames(tensors: Tensors, name: string): Names {
  const layers = count(0, (index) => ["0", "fc1"].some((part) => tensors.has(`${name}.block.${index}.${part}.weight`)));
  const units: Unit[] = [];
  let squeeze: Names["squeeze"] = null;
  for (let index = 0; index < layers; index++) {
    const layer = `${name}.block.${index}`;
    if (tensors.has(`${layer}.fc1.weight`)) squeeze = [`${layer}.fc1`, `${layer}.fc2`];
    else units.push(pairOf(layer));
  }
  const project = units.pop()!;
  const before = units.pop() ?? null;
  // One that sees all channels is an expansion, and as large as the depthwise one would be.
  if (before && extent(tensors, before.conv, 1) > 1) return { name, expand: before, depthwise: null, squeeze, project };
  return { name, expand: units.pop() ?? null, depthwise: before, squeeze, project };
}

/** torchvision's: blocks in a row, then a convolution that timm counts as a stage. */
function mobileNetV3(tensors: Tensors): FoundInverted {
  const blocks = count(1, (index) => tensors.has(`features.${index}.block.0.0.weight`));
  const names = Array.from({ length: blocks }, (_, index) => blockNames(tensors, `features.${index + 1}`));
  const stages = staged(names, ["mobilenet_v3_large", "mobilenet_v3_small"]);
  const name = `features.${blocks + 1}`;
  stages.push([{ name, expand: null, depthwise: null, squeeze: null, project: pairOf(name) }]);
  return found(tensors, stages, {
    ...{ stem: pairOf("features.0"), last: null },
    ...{ hidden: "classifier.0", classifier: "classifier.3" },
  });
}

function efficientNet(tensors: Tensors): FoundInverted {
  const stages = count(1, (index) => tensors.has(`features.${index}.0.block.0.0.weight`));
  const names = Array.from({ length: stages }, (_, stage) => {
    const name = `features.${stage + 1}`;
    const blocks = count(0, (index) => tensors.has(`${name}.${index}.block.0.0.weight`));
    return Array.from({ length: blocks }, (_, index) => blockNames(tensors, `${name}.${index}`));
  });
  return found(tensors, names, {
    ...{ stem: pairOf("features.0"), last: pairOf(`features.${stages + 1}`) },
    ...{ hidden: null, classifier: "classifier.1" },
  });
}

/** torchvision's: layers by number, those between being activations. */
function mnasNet(tensors: Tensors): FoundInverted {
  const unit = (name: string, index: number): Unit => ({ conv: `${name}.${index}`, norm: `${name}.${index + 1}` });
  const first: Names = {
    ...{ name: "layers.3", expand: null, squeeze: null },
    ...{ depthwise: unit("layers", 3), project: unit("layers", 6) },
  };
  const stages = count(8, (index) => tensors.has(`layers.${index}.0.layers.0.weight`));
  const names = Array.from({ length: stages }, (_, stage) => {
    const name = `layers.${stage + 8}`;
    const blocks = count(0, (index) => tensors.has(`${name}.${index}.layers.0.weight`));
    return Array.from({ length: blocks }, (_, index): Names => {
      const layers = `${name}.${index}.layers`;
      return {
        ...{ name: `${name}.${index}`, squeeze: null },
        ...{ expand: unit(layers, 0), depthwise: unit(layers, 3), project: unit(layers, 6) },
      };
    });
  });
  return found(tensors, [[first], ...names], {
    ...{ stem: unit("layers", 0), last: unit("layers", 8 + stages) },
    ...{ hidden: null, classifier: "classifier.1" },
  });
}

/** By torchvision's names its own BatchNorms are meant: those of MobileNetV3, and of EfficientNets from B5 on, have another epsilon. */
function epsilonOf(name: string, tensors: Tensors): number {
  const torchvision = tensors.has("features.0.0.weight");
  return torchvision && /^(mobilenet_v3|efficientnet_b[567]|efficientnetv2)/.test(name) ? 1e-3 : 1e-5;
}

export const invertedReader: FamilyReader = (tensors) => {
  const network = findInverted(tensors);
  if (!network) return null;
  const { family, shape } = network;
  const { name, activation } = family;
  return {
    name,
    classes: shape.classifier?.classes ?? 0,
    classifier: `${shape.classifier?.name ?? "classifier"}.`,
    usual: {
      // MobileNetV3 has several, each in its place.
      ...(family.hidden ? {} : { activation: activation as Activation }),
      epsilon: epsilonOf(name, tensors),
      padding: "symmetric",
    },
    lay: (traits, classes, parameters, inputSize) =>
      layInverted(
        classes > 0 ? shape : { ...shape, classifier: null },
        traitsOfFamily(family, traits),
        { name, classes },
        parameters,
        inputSize,
      ),
  };
};
