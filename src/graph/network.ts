import type { Arriving, Awaited, AwaitedRows } from "./arriving.js";

/**
 * The op IR: a residual network as a straight list of stages, each a straight list of operations on numbered values.
 * It says what is computed, never how: layouts, tiles and memory belong to the devices.
 *
 * A value is one image's activation, H x W x C; the batch is not part of the IR.
 */
export type ValueId = number;

/**
 * How the numbers of a value are stored where they are integers: `real = scale * (q - zero)`, one scale for the whole value.
 *
 * "u7": 0..127, what a ReLU leaves. "u8": 0..255, what one leaves behind the image. "s8": -127..127, everything else. "s16": 0..8128,
 * the mean of a u7 value, in 64ths of its steps.
 * Results are rounded to the nearest integer, ties to even, after they were clamped to these ranges.
 */
export interface Quantization {
  readonly type: "u7" | "u8" | "s8" | "s16";
  /** Above zero and finite. */
  readonly scale: number;
  /** Absent: 0. A u7 value without an activation has 64 (see `shiftable` in `stored.ts`). */
  readonly zero?: number | undefined;
}

/** Logical extents, and what the numbers are; devices store C padded to a multiple of four, or of 16 where they are integers. */
export interface ValueShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Absent: f32. An operation whose output has one rounds to it; a device that has no kernel for that refuses the operation. */
  readonly quantization?: Quantization | undefined;
  /** Of a stack of pictures (stacked.ts), whose rows `height` counts. */
  readonly pictures?: Rows;
}

/** Several pictures as one: each one's `height` rows, then rows that separate it from the next, `period` rows in all. */
export interface Rows {
  readonly height: number;
  readonly period: number;
}

/** Integer weights, one scale for each output channel: `real[o] = scales[o] * q[o]`. */
export interface IntegerRows {
  /** [O], above zero. */
  readonly scales: Vector;
  /** As `Weight.read`, the integers themselves, -127..127. */
  read(begin: number, end: number, target: Int8Array): void;
}

/** Weights that are read once, row by row, by the device that packs them. */
export interface Weight extends AwaitedRows {
  /** [O, I / groups, kernel height, kernel width] for a convolution; [O, I] for a linear layer. */
  readonly shape: readonly number[];
  /**
   * Writes output channels [begin, end) in dense row-major order to `target` from its start, as f32. A folded BatchNorm's
   * scale is applied in f64 before rounding.
   */
  read(begin: number, end: number, target: Float32Array): void;
  /** The same weights as integers, where they are; `read` gives `scales[o] * q` of them. `needs` and `keep` hold for both. */
  readonly int8?: IntegerRows | undefined;
}

/** A value for each channel: a bias, or a BatchNorm as a line. Read by the device that packs it, as often as it likes. */
export interface Vector extends Awaited {
  readonly length: number;
  /** Throws `ModelFormatError` for what is not finite, or a variance below zero. */
  read(): Float64Array;
}

/**
 * Per channel, what an operation's value had over the training set: before its ReLU, and before a residual is added. A deviation of
 * 0: nothing is known of that channel.
 */
export interface Statistics {
  readonly mean: Vector;
  readonly deviation: Vector;
}

/** Rows and columns of padding on each side; none is below zero. The output's extents say how many windows there are. */
export type Padding = readonly [top: number, left: number, bottom: number, right: number];

/** `Inputs`: how many values an operation reads; one unless stated. */
interface OpBase<Inputs extends readonly ValueId[] = readonly [ValueId]> {
  /** Where the weights came from, for reports: `layer1.0.conv1`. */
  readonly name: string;
  /** Every value that it reads, in the order that its definition gives them. */
  readonly inputs: Inputs;
  readonly output: ValueId;
}

/**
 * output = relu?(conv(input) + bias + residual?). Cross-correlation, as in PyTorch. The residual, where there is one, has the
 * output's shape.
 */
export interface ConvOp extends OpBase<readonly [input: ValueId, ...residual: ValueId[]]> {
  readonly kind: "conv";
  readonly kernel: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
  /** Of zeros. */
  readonly padding: Padding;
  readonly dilation: readonly [height: number, width: number];
  readonly groups: number;
  readonly weight: Weight;
  /** [O]; null means zeros. */
  readonly bias: Vector | null;
  readonly relu: boolean;
  /** Of a convolution that a BatchNorm was folded into: its shift, and |weight| * sqrt(running_var / (running_var + eps)). */
  readonly statistics?: Statistics | undefined;
}

/** output = relu?(input * scale + shift), per channel, for a BatchNorm that is not folded into a convolution. */
export interface BatchNormOp extends OpBase {
  readonly kind: "batchNorm";
  /** weight / sqrt(running_var + eps), [C]. */
  readonly scale: Vector;
  /** bias - running_mean * scale, [C]. */
  readonly shift: Vector;
  readonly relu: boolean;
  /** Of the output, as `ConvOp.statistics`. */
  readonly statistics?: Statistics | undefined;
}

/** output = relu?(one + other), of equal shapes. */
export interface AddOp extends OpBase<readonly [one: ValueId, other: ValueId]> {
  readonly kind: "add";
  readonly relu: boolean;
}

export interface ReluOp extends OpBase {
  readonly kind: "relu";
}

/**
 * Elementwise, other than ReLU. Where `function` has parameters they are ONNX's of the same names:
 *
 * - "leaky-relu": slope * x below zero. "prelu": the same with `slopes`, one a channel. "elu": alpha * (exp(x) - 1) below zero.
 *   "selu": beta times that ELU, of x above zero beta * x.
 * - "gelu": the exact one, x * (1 + erf(x / sqrt 2)) / 2. "gelu-tanh": its approximation by tanh. "silu": x * sigmoid(x). "mish":
 *   x * tanh(softplus(x)). "hard-sigmoid": max(0, min(1, alpha * x + beta)). "hard-swish": x * max(0, min(1, x / 6 + 1 / 2)).
 * - "clip": from alpha to beta. "quantize": to the nearest of alpha * (q - beta), q whole from 0 to 255, or from -128 to 127 where
 *   `signed`; ties to even.
 */
export interface ActivationOp extends OpBase {
  readonly kind: "activation";
  readonly function:
    | "leaky-relu"
    | "relu6"
    | "silu"
    | "gelu"
    | "elu"
    | "gelu-tanh"
    | "selu"
    | "prelu"
    | "clip"
    | "sigmoid"
    | "hard-sigmoid"
    | "hard-swish"
    | "mish"
    | "tanh"
    | "softplus"
    | "exp"
    | "log"
    | "sqrt"
    | "reciprocal"
    | "absolute"
    | "erf"
    | "quantize";
  /** Of a leaky ReLU, below zero; 0.01 unless stated. */
  readonly slope?: number | undefined;
  /** 1 unless stated. */
  readonly alpha?: number | undefined;
  /** 0 unless stated. */
  readonly beta?: number | undefined;
  /** [C], of "prelu". */
  readonly slopes?: Vector | undefined;
  /** Of "quantize". */
  readonly signed?: boolean | undefined;
}

/** output = one (function) other, element by element. Each extent of either input is the output's, or 1 and repeated. */
export interface BinaryOp extends OpBase<readonly [one: ValueId, other: ValueId]> {
  readonly kind: "binary";
  readonly function: "add" | "subtract" | "multiply" | "divide" | "maximum" | "minimum";
}

/** Values one after the other along an axis of [H, W, C]; their other extents are equal. */
export interface ConcatOp extends OpBase<readonly [ValueId, ...ValueId[]]> {
  readonly kind: "concat";
  readonly axis: 0 | 1 | 2;
}

/** A number for each axis of [H, W, C]. */
export type PerAxis = readonly [height: number, width: number, channels: number];

/** output[y, x, c] = input[begin + step * (y, x, c)]. A step may be below zero, not zero. */
export interface SliceOp extends OpBase {
  readonly kind: "slice";
  readonly begin: PerAxis;
  readonly step: PerAxis;
}

/** The input behind `before` rows, columns and channels; the output's extents say how many follow. None is below zero. */
export interface PadOp extends OpBase {
  readonly kind: "pad";
  readonly before: PerAxis;
  /** "constant": `value`. "edge": the nearest element. "reflect": mirrored at the edge element, which is not repeated. */
  readonly mode: "constant" | "edge" | "reflect";
  readonly value: number;
}

/** output's axis i is the input's axis `order[i]`, of [H, W, C]. */
export interface TransposeOp extends OpBase {
  readonly kind: "transpose";
  readonly order: PerAxis;
}

/** The same elements, in row-major order of [H, W, C], under other extents. */
export interface ReshapeOp extends OpBase {
  readonly kind: "reshape";
}

/** Of channels [groups, C / groups], row-major, the transpose: ShuffleNet's shuffle (Zhang et al. 2017, section 3.1). */
export interface ShuffleChannelsOp extends OpBase {
  readonly kind: "shuffleChannels";
  readonly groups: number;
}

/**
 * output = (input - mean) / sqrt(variance + epsilon) * scale + shift. The variance is the mean of squares (biased). Over each group of
 * neighbouring channels, of one pixel or of all: groups = C over all pixels is InstanceNorm, 1 of one pixel is ConvNeXt's LayerNorm,
 * others over all pixels are GroupNorm.
 */
export interface NormalizeOp extends OpBase {
  readonly kind: "normalize";
  readonly groups: number;
  readonly over: "pixel" | "image";
  readonly epsilon: number;
  /** [C]; null: ones, and zeros. */
  readonly scale: Vector | null;
  readonly shift: Vector | null;
}

/**
 * Local response normalisation (Krizhevsky et al. 2012, section 3.3): input / (bias + alpha / size * sum)^beta, the sum of squares over
 * channels c - floor((size - 1) / 2) to c + ceil((size - 1) / 2).
 */
export interface LocalResponseOp extends OpBase {
  readonly kind: "localResponse";
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

/**
 * PyTorch's MaxPool2d. Padding never wins: a padded position counts as minus infinity. The output's extents say whether windows
 * hang over the far edge (ceil mode).
 */
export interface MaxPoolOp extends OpBase {
  readonly kind: "maxPool";
  readonly kernel: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
  readonly padding: Padding;
  /** 1 unless stated. */
  readonly dilation?: readonly [height: number, width: number];
}

/** PyTorch's AvgPool2d. The window may hang over the far edge (ceil mode); `countPadding` as `count_include_pad`. */
export interface AveragePoolOp extends OpBase {
  readonly kind: "averagePool";
  readonly kernel: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
  readonly padding: Padding;
  readonly countPadding: boolean;
  /** 1 unless stated. */
  readonly dilation?: readonly [height: number, width: number];
}

export interface GlobalAveragePoolOp extends OpBase {
  readonly kind: "globalAveragePool";
}

export interface GlobalMaxPoolOp extends OpBase {
  readonly kind: "globalMaxPool";
}

/** [1, 2, 1] / 4 along each axis (Zhang 2019, "Making Convolutional Networks Shift-Invariant Again"), one pixel reflected at each side. */
export interface BlurPoolOp extends OpBase {
  readonly kind: "blurPool";
  readonly stride: number;
}

/** Option A of He et al. 2015, section 3.3: every `stride`-th row and column, `before` zero channels, the input's, zeros after. */
export interface ZeroPadShortcutOp extends OpBase {
  readonly kind: "zeroPadShortcut";
  readonly stride: number;
  readonly before: number;
}

/** Fully connected: a 1 x 1 x I value to a 1 x 1 x O value. */
export interface LinearOp extends OpBase {
  readonly kind: "linear";
  readonly weight: Weight;
  readonly bias: Vector | null;
  readonly relu: boolean;
}

/** A 1 x 1 value over its length, or over `epsilon` where that is more. */
export interface L2NormalizeOp extends OpBase {
  readonly kind: "l2Normalize";
  readonly epsilon: number;
}

/** Over the channels of each pixel. */
export interface SoftmaxOp extends OpBase {
  readonly kind: "softmax";
  /** Its natural logarithm; false unless stated. */
  readonly logarithm?: boolean;
}

/**
 * Operations of networks beside the plain ResNets. Their kernels are in modules of their own, and their lowering comes with the first
 * network that has one.
 */
export type ExtendedOp =
  | BinaryOp
  | ConcatOp
  | SliceOp
  | PadOp
  | TransposeOp
  | ReshapeOp
  | ShuffleChannelsOp
  | NormalizeOp
  | LocalResponseOp;

export type Op =
  | ExtendedOp
  | ConvOp
  | BatchNormOp
  | AddOp
  | ReluOp
  | ActivationOp
  | MaxPoolOp
  | AveragePoolOp
  | GlobalAveragePoolOp
  | GlobalMaxPoolOp
  | BlurPoolOp
  | ZeroPadShortcutOp
  | LinearOp
  | L2NormalizeOp
  | SoftmaxOp;

/**
 * The unit of placement. Only `input` crosses in and only `output` crosses out: `checkStages` checks that, `cutStages` cuts where it
 * holds (graph/stages.ts).
 */
export interface Stage {
  /** "stem", "layer1" ... "layer4", "head". */
  readonly name: string;
  readonly input: ValueId;
  readonly output: ValueId;
  readonly ops: readonly Op[];
  /** Learned elements of this stage, counted as in `Network.parameters`. */
  readonly parameters?: number;
}

/** What is computed, and all that a device is given. */
export interface Graph {
  /** Shape of every value, by id. */
  readonly values: readonly ValueShape[];
  /** Stage i + 1's input is stage i's output. The first input is the image, NCHW outside and NHWC within. */
  readonly stages: readonly Stage[];
  readonly input: ValueId;
  readonly output: ValueId;
  /** Loading, not computing: what weights and vectors wait for; absent where all of them are in memory. */
  readonly arriving?: Arriving | undefined;
}

/** What is known of every classifier: its name, its classes and how logits become scores. A residual network's structure besides. */
export type KnownArchitecture = Pick<Architecture, "name" | "classes"> & Partial<Architecture>;

/** A graph and what is known of the network that it was built from. */
export interface Network extends Graph {
  readonly architecture: KnownArchitecture;
  /** Elements of learned tensors: weights, biases and BatchNorm's affine pair, not its statistics. As torchvision counts. */
  readonly parameters: number;
  /** Sentences about weights that cannot have been meant; all of them once the weights were read. */
  readonly flaws?: readonly string[];
  /** Of a network that is no ResNet: traits that its weights do not show and nobody stated, with the values taken. */
  readonly assumed?: Partial<Architecture>;
  /** Tensors of the file that the network has no use for, by name; absent where there are none. */
  readonly ignored?: readonly string[];
  /** BatchNorms folded into a convolution, and those that were not. */
  readonly batchNorms: { readonly folded: number; readonly kept: number };
}

/** A network that is a plain ResNet, or one of its relatives that `Architecture` can say. */
export interface ResidualNetwork extends Network {
  readonly architecture: Architecture;
}

/** A function of each value on its own, between a network's layers. */
export type Activation = "relu" | "leaky-relu" | "relu6" | "silu" | "gelu" | "elu";

/** The stem's max-pool, where it is another than 3x3 with a stride of 2 and a padding of 1. */
export interface StemPool {
  readonly kernel?: number;
  readonly stride?: number;
  readonly padding?: number;
  /** The last window may hang over the far edge (PyTorch's `ceil_mode`, Caffe's rule); false unless stated. */
  readonly ceilMode?: boolean;
}

/**
 * What names and shapes say about a network, and what they cannot say; also what a file's metadata or a caller may state.
 * Absent fields have the value of torchvision's networks.
 */
export interface Architecture {
  /** "resnet18", ... "resnet20-cifar", or "resnet" where it has no well-known name, or a page did not look it up. */
  readonly name: string;
  readonly block: "basic" | "bottleneck";
  /**
   * "7x7": stride-2 convolution and max-pool; "deep": the same with three 3x3 convolutions (ResNet-C);
   * "3x3": a stride-1 convolution alone.
   */
  readonly stem: "7x7" | "3x3" | "deep";
  readonly stemWidth: number;
  /** Stride of the stem's first convolution: 1 for a stem of "3x3", else 2. */
  readonly stemStride?: 1 | 2;
  /** The pool behind the stem; "none" for a stem of "3x3" unless stated, 3x3 with a stride of 2 for the others. */
  readonly maxPool?: "none" | StemPool;
  /** Blocks in each stage. */
  readonly layers: readonly number[];
  /** Output channels of each stage's blocks before expansion: 64, 128, 256, 512. */
  readonly widths: readonly number[];
  readonly groups: number;
  /** Channels of a group in the first stage's 3x3 (torchvision's width_per_group); 64 is the plain network. */
  readonly widthPerGroup: number;
  /**
   * How a block's input reaches its sum where sizes differ. "average-projection": a stride-2 average pool, then a stride-1
   * projection (ResNet-D). "zero-pad-...": every second pixel, or the average of each two by two, with zero channels on both
   * sides or behind (option A). "none": no block has a sum (a plain network).
   */
  readonly shortcut:
    | "projection"
    | "average-projection"
    | "zero-pad-symmetric"
    | "zero-pad-end"
    | "zero-pad-average-symmetric"
    | "zero-pad-average-end"
    | "none";
  /** Which convolution of a bottleneck has the stride. */
  readonly strideIn: "3x3" | "1x1";
  /** Stride of the first stage's first block; 1 unless stated. */
  readonly firstStageStride?: 1 | 2;
  /** Stride of each stage's first block: 1, 2, 2, 2. */
  readonly stageStrides?: readonly number[];
  /** Dilation of the 3x3 convolutions in each stage; one that dilates more than the stage before has a stride of 1. */
  readonly dilations?: readonly number[];
  /**
   * torchvision's argument, for each stage behind the first: a stage without its stride dilates twice as much, but its first block
   * as much as the stage before.
   */
  readonly replaceStrideWithDilation?: readonly boolean[];
  readonly activation?: Activation;
  /** Of "leaky-relu", below zero; 0.01 unless stated. */
  readonly activationSlope?: number;
  /** Whether an activation follows each block's sum; true unless stated. */
  readonly activationAfterSum?: boolean;
  /** What stands where a stride was, against aliasing (timm's `aa_layer`): a blur, or an average of two by two. */
  readonly antiAliasing?: "none" | "blur" | "average";
  /** What each block's last convolution is multiplied by before the sum; 1 unless stated. */
  readonly residualScale?: number;
  readonly globalPool?: "average" | "max";
  /** 0 where the network ends in features (`include_top = false`). */
  readonly classes: number;
  /**
   * The layers between pooled features and logits, in order: "linear", "cosine" (of normalised features and weights),
   * "batchnorm", "dropout", "flatten", "identity", or an activation; "softmax" or "log-softmax" at its end. One linear layer unless stated.
   */
  readonly head?: readonly string[];
  /** What the names of the head's tensors begin with ("fc_age."), where the file holds several heads. */
  readonly headPrefix?: string;
  /** What the names of the network's tensors begin with ("teacher."), where the file holds several networks. */
  readonly prefix?: string;
  /** Of LoRA's factors: alpha / rank, or 0 where they were merged into the weights. */
  readonly loraScale?: number;
  /** What the cosines of a "cosine" layer are multiplied by; 1 unless stated. */
  readonly cosineScale?: number;
  /** How logits become scores: "sigmoid" where classes do not exclude each other. "softmax" unless stated. */
  readonly scores?: "softmax" | "sigmoid" | "none";
  /** BatchNorm's epsilon; 1e-5 unless stated. */
  readonly epsilon?: number;
  /** Gates of channels in each block (timm's `attn_layer`): squeeze and excitation, or ECA. What the file's names show. */
  readonly attention?: "none" | "se" | "eca";
  /** Of GroupNorm, in a network that has it in place of BatchNorm: 32 unless stated. */
  readonly normGroups?: number;
  /** Of pre-activation networks: whether a projection reads the block's input, or what its first norm and activation made of it. */
  readonly shortcutFrom?: "input" | "activation";
  /** BiT's: each filter has a mean of 0 and a variance of 1, and the stem's pool is padded with zeros. */
  readonly weightStandardization?: boolean;
  /** Of inverted residuals: "same" is TensorFlow's, which pads a strided convolution at the far edge first. "symmetric" unless stated. */
  readonly padding?: "symmetric" | "same";
}
