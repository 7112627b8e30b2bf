import type { Activation, KnownArchitecture, Network } from "../../graph/network.js";
import type { Sides } from "../assemble.js";
import type { Parameters } from "../parameters.js";
import { type ActivationFunction, Layout, type LayoutTraits } from "./layout.js";

/** A convolution and its BatchNorm, by their names. */
export interface Unit {
  readonly conv: string;
  readonly norm: string;
}

export interface Squeeze {
  readonly reduce: string;
  readonly expand: string;
  readonly channels: number;
}

/**
 * A block: expand?, depthwise?, squeeze?, project (Sandler et al. 2018, figure 3). Without `depthwise`, `expand` is as large (Tan & Le
 * 2021, figure 2); without both it is the convolution `project` alone, with an activation.
 */
export interface InvertedBlock {
  readonly name: string;
  readonly kernel: number;
  readonly expand: Unit | null;
  readonly depthwise: Unit | null;
  readonly squeeze: Squeeze | null;
  readonly project: Unit;
  /** Channels between `expand` and `project`. */
  readonly inner: number;
  readonly out: number;
}

/** What names and shapes show of a network of inverted residuals. */
export interface InvertedShape {
  readonly stem: Unit;
  readonly stemWidth: number;
  readonly stages: readonly (readonly InvertedBlock[])[];
  /** The convolution before the pool. */
  readonly last: (Unit & { readonly out: number }) | null;
  /** A layer between the pool and the classifier. `pointwise`: it is a 1x1 convolution in the file. */
  readonly hidden: { readonly name: string; readonly out: number; readonly pointwise: boolean } | null;
  /** Null: the network ends in features. */
  readonly classifier: { readonly name: string; readonly classes: number } | null;
}

/** What they do not show. */
export interface InvertedTraits extends LayoutTraits {
  readonly strides: readonly number[];
  readonly activation: ActivationFunction;
  /** Stages from the first on whose activation is ReLU. */
  readonly reluStages: number;
  /** Between a squeeze's two layers, and behind them. */
  readonly squeezeActivation: ActivationFunction;
  readonly squeezeGate: ActivationFunction;
}

/** Lays out a network; a stage ends where the next block strides. */
export function layInverted(
  shape: InvertedShape,
  traits: InvertedTraits,
  architecture: KnownArchitecture,
  parameters: Parameters,
  inputSize: Sides,
): Network {
  const layout = new Layout(parameters, inputSize, traits);
  const { activation } = traits;
  const unit = ({ conv, norm }: Unit, out: number, kernel: number, stride = 1, groups = 1) =>
    layout.convolution(conv, out, { kernel, stride, groups }).batchNorm(norm);

  unit(shape.stem, shape.stemWidth, 3, 2).activate(`${shape.stem.conv}.act`, activation);
  layout.endStage("stem");
  let number = 0;
  for (const [index, blocks] of shape.stages.entries()) {
    const own = index < traits.reluStages ? "relu" : activation;
    if (index > 0 && traits.strides[index]! > 1) layout.endStage(`layer${++number}`);
    for (const [place, block] of blocks.entries()) {
      const stride = place === 0 ? traits.strides[index]! : 1;
      const input = layout.current;
      const sum = stride === 1 && layout.shape.channels === block.out;
      const [kernel, pace] = block.depthwise ? [1, 1] : [block.kernel, stride];
      if (block.expand) unit(block.expand, block.inner, kernel, pace).activate(`${block.name}.act1`, own);
      if (block.depthwise) {
        unit(block.depthwise, block.inner, block.kernel, stride, block.inner).activate(`${block.name}.act2`, own);
      }
      if (block.squeeze) {
        const { reduce, expand, channels } = block.squeeze;
        layout.squeeze(reduce, expand, channels, traits.squeezeActivation, traits.squeezeGate);
      }
      if (block.depthwise || block.expand) unit(block.project, block.out, 1);
      else unit(block.project, block.out, block.kernel, stride).activate(`${block.name}.act`, own);
      if (sum) layout.add(`${block.name}.add`, input);
    }
  }
  layout.endStage(`layer${++number}`);

  if (shape.last) unit(shape.last, shape.last.out, 1).activate(`${shape.last.conv}.act`, activation);
  layout.globalAveragePool("avgpool");
  const { hidden, classifier } = shape;
  if (hidden) layout.linear(hidden.name, hidden.out, hidden.pointwise).activate(`${hidden.name}.act`, activation);
  if (classifier) layout.linear(classifier.name, classifier.classes);
  layout.endStage("head");
  return layout.network(architecture);
}

/** A family: what all its networks have in common beside their widths. */
export interface InvertedFamily {
  readonly name: string;
  /** Stages in timm's words: kind, repeats, kernel, stride, expansion, channels, squeeze, "nre" where the activation is ReLU. */
  readonly stages: readonly (readonly string[])[];
  readonly stem: number;
  readonly head: number;
  readonly activation: ActivationFunction;
  /** Unless it is the network's own. */
  readonly squeezeActivation?: ActivationFunction;
  readonly squeezeGate?: ActivationFunction;
  /** Channels of a squeeze, by its block's. */
  readonly squeezed?: (input: number, inner: number) => number;
  /** A layer between the pool and the classifier has the head's width, in place of the convolution before the pool. */
  readonly hidden?: boolean;
}

/** To the nearest multiple of 8 that is not a tenth below. */
function divisible(width: number): number {
  const nearest = Math.max(8, Math.floor((width + 4) / 8) * 8);
  return nearest < 0.9 * width ? nearest + 8 : nearest;
}

const efficientNet = (squeeze: string) => [
  [`ds_r1_k3_s1_e1_c16${squeeze}`],
  [`ir_r2_k3_s2_e6_c24${squeeze}`],
  [`ir_r2_k5_s2_e6_c40${squeeze}`],
  [`ir_r3_k3_s2_e6_c80${squeeze}`],
  [`ir_r3_k5_s1_e6_c112${squeeze}`],
  [`ir_r4_k5_s2_e6_c192${squeeze}`],
  [`ir_r1_k3_s1_e6_c320${squeeze}`],
];

const efficientNetV2 = (first: string) => [
  [first],
  ["er_r4_k3_s2_e4_c48"],
  ["er_r4_k3_s2_e4_c64"],
  ["ir_r6_k3_s2_e4_c128_se"],
  ["ir_r9_k3_s1_e6_c160_se"],
  ["ir_r15_k3_s2_e6_c256_se"],
];

const mobileNetV3 = {
  stem: 16,
  activation: "hard-swish",
  squeezeActivation: "relu",
  squeezeGate: "hard-sigmoid",
  squeezed: (_: number, inner: number) => divisible(inner / 4),
  hidden: true,
} as const;

/** Sandler et al. 2018, table 2; Howard et al. 2019, tables 1 and 2; Tan & Le 2019, table 1; Tan & Le 2021, table 4; Tan et al. 2019, figure 7. */
export const invertedFamilies: readonly InvertedFamily[] = [
  {
    name: "mobilenet_v2",
    stages: [
      ["ds_r1_k3_s1_e1_c16"],
      ["ir_r2_k3_s2_e6_c24"],
      ["ir_r3_k3_s2_e6_c32"],
      ["ir_r4_k3_s2_e6_c64"],
      ["ir_r3_k3_s1_e6_c96"],
      ["ir_r3_k3_s2_e6_c160"],
      ["ir_r1_k3_s1_e6_c320"],
    ],
    stem: 32,
    head: 1280,
    activation: "relu6",
  },
  {
    name: "mobilenet_v3_large",
    stages: [
      ["ds_r1_k3_s1_e1_c16_nre"],
      ["ir_r1_k3_s2_e4_c24_nre", "ir_r1_k3_s1_e3_c24_nre"],
      ["ir_r3_k5_s2_e3_c40_se_nre"],
      ["ir_r1_k3_s2_e6_c80", "ir_r1_k3_s1_e2.5_c80", "ir_r2_k3_s1_e2.3_c80"],
      ["ir_r2_k3_s1_e6_c112_se"],
      ["ir_r3_k5_s2_e6_c160_se"],
      ["cn_r1_k1_s1_c960"],
    ],
    head: 1280,
    ...mobileNetV3,
  },
  {
    name: "mobilenet_v3_small",
    stages: [
      ["ds_r1_k3_s2_e1_c16_se_nre"],
      ["ir_r1_k3_s2_e4.5_c24_nre", "ir_r1_k3_s1_e3.67_c24_nre"],
      ["ir_r1_k5_s2_e4_c40_se", "ir_r2_k5_s1_e6_c40_se"],
      ["ir_r2_k5_s1_e3_c48_se"],
      ["ir_r3_k5_s2_e6_c96_se"],
      ["cn_r1_k1_s1_c576"],
    ],
    head: 1024,
    ...mobileNetV3,
  },
  {
    name: "efficientnet_b0",
    stages: efficientNet("_se"),
    stem: 32,
    head: 1280,
    activation: "silu",
    squeezed: (input) => Math.floor(input / 4),
  },
  { name: "efficientnet_lite0", stages: efficientNet(""), stem: 32, head: 1280, activation: "relu6" },
  {
    name: "efficientnetv2_s",
    stages: efficientNetV2("cn_r2_k3_s1_e1_c24"),
    ...{ stem: 24, head: 1280, activation: "silu", squeezed: (input) => Math.floor(input / 4) },
  },
  {
    name: "efficientnetv2_rw_s",
    stages: [...efficientNetV2("er_r2_k3_s1_e1_c24").slice(0, 5), ["ir_r15_k3_s2_e6_c272_se"]],
    ...{ stem: 24, head: 1792, activation: "silu", squeezed: (input) => Math.floor(input / 4) },
  },
  {
    name: "efficientnetv2_m",
    stages: [
      ["cn_r3_k3_s1_e1_c24"],
      ["er_r5_k3_s2_e4_c48"],
      ["er_r5_k3_s2_e4_c80"],
      ["ir_r7_k3_s2_e4_c160_se"],
      ["ir_r14_k3_s1_e6_c176_se"],
      ["ir_r18_k3_s2_e6_c304_se"],
      ["ir_r5_k3_s1_e6_c512_se"],
    ],
    ...{ stem: 24, head: 1280, activation: "silu", squeezed: (input) => Math.floor(input / 4) },
  },
  {
    name: "mnasnet1_0",
    stages: [
      ["ds_r1_k3_s1_e1_c16"],
      ["ir_r3_k3_s2_e3_c24"],
      ["ir_r3_k5_s2_e3_c40"],
      ["ir_r3_k5_s2_e6_c80"],
      ["ir_r2_k3_s1_e6_c96"],
      ["ir_r4_k5_s2_e6_c192"],
      ["ir_r1_k3_s1_e6_c320"],
    ],
    stem: 32,
    head: 1280,
    activation: "relu",
  },
];

interface Row {
  readonly kind: string;
  readonly repeats: number;
  readonly kernel: number;
  readonly stride: number;
  readonly expansion: number;
  readonly channels: number;
  readonly squeeze: boolean;
  readonly relu: boolean;
}

function rowOf(words: string): Row {
  const [kind, ...rest] = words.split("_") as [string, ...string[]];
  const value = (letter: string) =>
    Number(rest.find((word) => word.startsWith(letter) && word !== "se")?.slice(1) ?? 1);
  return {
    kind,
    repeats: value("r"),
    kernel: value("k"),
    stride: value("s"),
    expansion: value("e"),
    channels: value("c"),
    squeeze: rest.includes("se"),
    relu: rest.includes("nre"),
  };
}

/** Kind, kernel and squeeze of each stage: what tells a family by its weights. */
export function signatureOf(family: InvertedFamily): string {
  return family.stages
    .map(([first]) => rowOf(first!))
    .map(({ kind, kernel, squeeze }) => `${kind}${kernel}${squeeze ? "s" : ""}`)
    .join(" ");
}

export function blocksIn(stage: readonly string[]): number {
  return stage.reduce((sum, words) => sum + rowOf(words).repeats, 0);
}

export function traitsOfFamily(
  family: InvertedFamily,
  stated: LayoutTraits & { activation?: Activation },
): InvertedTraits {
  const first = family.stages.map(([words]) => rowOf(words!));
  const activation = stated.activation ?? family.activation;
  return {
    epsilon: stated.epsilon,
    padding: stated.padding,
    strides: first.map(({ stride }) => stride),
    activation,
    reluStages: first.filter(({ relu }) => relu).length,
    squeezeActivation: family.squeezeActivation ?? activation,
    squeezeGate: family.squeezeGate ?? "sigmoid",
  };
}

/** A family's network of its usual widths, under timm's names. */
export function shapeOfFamily(family: InvertedFamily, classes: number): InvertedShape {
  let width = family.stem;
  const stages = family.stages.map((stage, index) =>
    stage
      .flatMap((words) => {
        const row = rowOf(words);
        return new Array<Row>(row.repeats).fill(row);
      })
      .map((row, place) => {
        const block = blockOf(row, `blocks.${index}.${place}`, width, family);
        width = block.out;
        return block;
      }),
  );
  return {
    stem: { conv: "conv_stem", norm: "bn1" },
    stemWidth: family.stem,
    stages,
    last: family.hidden ? null : { conv: "conv_head", norm: "bn2", out: family.head },
    hidden: family.hidden ? { name: "conv_head", out: family.head, pointwise: true } : null,
    classifier: classes > 0 ? { name: "classifier", classes } : null,
  };
}

function blockOf(row: Row, name: string, width: number, family: InvertedFamily): InvertedBlock {
  const { kind, kernel, expansion, channels: out } = row;
  const unit = (conv: string, norm: string): Unit => ({ conv: `${name}.${conv}`, norm: `${name}.${norm}` });
  const inner = kind === "ir" || kind === "er" ? divisible(width * expansion) : width;
  const squeeze = row.squeeze && {
    reduce: `${name}.se.conv_reduce`,
    expand: `${name}.se.conv_expand`,
    channels: family.squeezed!(width, inner),
  };
  const common = { name, kernel, inner, out, squeeze: squeeze || null };
  if (kind === "cn") return { ...common, expand: null, depthwise: null, project: unit("conv", "bn1") };
  if (kind === "er")
    return { ...common, expand: unit("conv_exp", "bn1"), depthwise: null, project: unit("conv_pwl", "bn2") };
  if (kind === "ds") {
    return { ...common, expand: null, depthwise: unit("conv_dw", "bn1"), project: unit("conv_pw", "bn2") };
  }
  return {
    ...common,
    expand: unit("conv_pw", "bn1"),
    depthwise: unit("conv_dw", "bn2"),
    project: unit("conv_pwl", "bn3"),
  };
}
