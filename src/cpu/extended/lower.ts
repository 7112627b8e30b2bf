import {
  ActivationField,
  Binary,
  BinaryField,
  DilatedPoolField,
  ExtendedKernel,
  Finish,
  FinishField,
  LocalResponseField,
  NormalizeField,
  PadField,
  PadMode,
  ReshapeField,
} from "../../../assembly/shared/extended.js";
import { ConvField, Field, PoolField } from "../../../assembly/shared/record.js";
import { UnsupportedModelError } from "../../errors.js";
import type { Follower } from "../../graph/followers.js";
import type {
  ActivationOp,
  AveragePoolOp,
  BinaryOp,
  ConvOp,
  MaxPoolOp,
  NormalizeOp,
  Op,
  PadOp,
  ValueShape,
  Vector,
} from "../../graph/network.js";
import { paddedChannels } from "../../graph/tensor.js";
import { chooseConvKernel } from "../choose/choose.js";
import { direct, lowerLinear } from "../kernels/direct.js";
import { strassen } from "../kernels/strassen.js";
import { bitsOf, lower, window } from "../lower/lower.js";
import type { Drafts, Words } from "../program/drafts.js";
import { lowerConcat, lowerShuffle, lowerSlice, lowerTranspose } from "./boxes.js";
import { isDepthwise, lowerDepthwise } from "./depthwise.js";
import { finishingOf, fusionsOf } from "./finish.js";

/** Output of a piece whose activation runs behind its sums: half of a small second-level cache. */
const PIECE_BYTES = 128 * 1024;

/** An operation's records, by the kernels of the extended modules; an activation that the one before it takes over has none. */
export function lowerExtended(drafts: Drafts, op: Op): void {
  const { of: followers, absorbed } = fusionsOf(drafts.network);
  if (absorbed.has(op)) return;
  if (drafts.shape(op.output).quantization) {
    throw new UnsupportedModelError(
      `There are no kernels for both integers and "${op.name}" with its like: load the model with precision: "f32".`,
    );
  }
  const follower = followers.get(op);
  if (!follower) {
    lowerAlone(drafts, op);
    return;
  }
  // The value between the two is never stored.
  const joined = { ...op, output: follower.output } as Op;
  if (joined.kind === "conv" && !isDepthwise(joined)) {
    const kernel = chooseConvKernel(joined, drafts.network, drafts.options);
    // Others store what is no output yet by the same code.
    if (kernel !== direct && kernel !== strassen) {
      lowerAlone(drafts, op);
      lowerAlone(drafts, follower);
      return;
    }
    direct.lower(drafts, joined);
    finishWith(drafts, follower);
    shortenPieces(drafts, joined);
    return;
  }
  lowerAlone(drafts, joined);
  finishWith(drafts, follower);
}

/** A function that runs over a piece's output should find that in a core's cache. */
function shortenPieces(drafts: Drafts, op: ConvOp): void {
  const { words, ...draft } = drafts.records.pop()!;
  const { height, width } = drafts.shape(op.output);
  const across = Math.ceil(Number(words[ConvField.panels]) / Number(words[ConvField.panelsPerPiece]));
  // Whole blocks of four and six rows.
  const fitting = Math.max(12, Math.floor(PIECE_BYTES / (4 * Number(words[Field.outStep])) / 12) * 12);
  const most = Number(words[Field.relu]) > Finish.clipAbove ? fitting : height * width;
  const rowsPerPiece = Math.min(Number(words[ConvField.rowsPerPiece]), most);
  const pieces = Math.ceil((height * width) / rowsPerPiece) * across;
  drafts.records.push({
    ...draft,
    words: { ...words, [ConvField.rowsPerPiece]: rowsPerPiece, [Field.pieces]: pieces },
  });
}

/** Has the last record do a follower's work. */
function finishWith(drafts: Drafts, follower: Follower): void {
  const { code, parameter } = finishingOf(follower, drafts.shape(follower.output).channels)!;
  const { step, words, ...draft } = drafts.records.pop()!;
  const name = follower.kind === "relu" ? follower.kind : nameOf(follower);
  drafts.records.push({
    ...draft,
    step: { ...step, kernel: `${step.kernel}+${name}` },
    words: { ...words, [Field.relu]: code, [FinishField.parameter]: bitsOf(parameter) },
  });
}

const nameOf = (op: ActivationOp) => op.function.replace("-", "_");

function lowerAlone(drafts: Drafts, op: Op): void {
  switch (op.kind) {
    case "conv":
      lowerConv(drafts, op);
      break;
    case "linear":
      lowerLinear(drafts, op);
      break;
    case "activation":
      lowerActivation(drafts, op);
      break;
    case "maxPool":
    case "averagePool":
      if (op.dilation?.some((step) => step > 1)) lowerPool(drafts, op, op.dilation);
      else lower(drafts, op);
      break;
    case "softmax":
      if (op.logarithm) {
        const { height, width, channels } = drafts.shape(op.output);
        const own = { [NormalizeField.channels]: channels };
        push(drafts, op, "f32_log_softmax", ExtendedKernel.logSoftmax, height * width, own);
      } else lower(drafts, op);
      break;
    case "binary":
      lowerBinary(drafts, op);
      break;
    case "concat":
      lowerConcat(drafts, op);
      break;
    case "slice":
      lowerSlice(drafts, op);
      break;
    case "transpose":
      lowerTranspose(drafts, op);
      break;
    case "shuffleChannels":
      lowerShuffle(drafts, op);
      break;
    case "reshape":
      push(drafts, op, "f32_reshape", ExtendedKernel.reshape, drafts.shape(op.output).height, {
        [ReshapeField.inChannels]: drafts.shape(op.inputs[0]).channels,
        [ReshapeField.outChannels]: drafts.shape(op.output).channels,
      });
      break;
    case "pad":
      lowerPad(drafts, op);
      break;
    case "normalize":
      lowerNormalize(drafts, op);
      break;
    case "localResponse": {
      const { height, channels } = drafts.shape(op.output);
      drafts.needScratch(4 * (paddedChannels(channels) + op.size));
      push(drafts, op, "f32_local_response", ExtendedKernel.localResponse, height, {
        [LocalResponseField.size]: op.size,
        [LocalResponseField.channels]: channels,
        [LocalResponseField.share]: bitsOf(op.alpha / op.size),
        [LocalResponseField.beta]: bitsOf(op.beta),
        [LocalResponseField.bias]: bitsOf(op.bias),
      });
      break;
    }
    case "batchNorm":
    case "add":
    case "relu":
    case "globalAveragePool":
    case "globalMaxPool":
    case "blurPool":
    case "zeroPadShortcut":
    case "l2Normalize":
      lower(drafts, op);
      break;
    default:
      op satisfies never;
  }
}

/** An operation's one record. `affine`: its scale and shift for each channel. */
function push(
  drafts: Drafts,
  op: Op,
  name: string,
  kernel: ExtendedKernel,
  pieces: number,
  own: Words,
  [scale, shift]: readonly [scale?: Vector, shift?: Vector] = [],
): void {
  const channels = paddedChannels(drafts.shape(op.output).channels);
  const affine = scale && shift ? drafts.affines.push({ scale, shift, channels }) - 1 : undefined;
  const words = { ...drafts.image(op), [Field.kernel]: kernel, [Field.pieces]: pieces, ...own };
  drafts.push(op, name, { words, areas: drafts.places(op), affine });
}

function lowerConv(drafts: Drafts, op: ConvOp): void {
  if (isDepthwise(op)) lowerDepthwise(drafts, op);
  else chooseConvKernel(op, drafts.network, drafts.options).lower(drafts, op);
}

const functions: Readonly<Record<ActivationOp["function"], Finish>> = {
  "leaky-relu": Finish.leakyRelu,
  prelu: Finish.prelu,
  relu6: Finish.clip,
  clip: Finish.clip,
  silu: Finish.silu,
  gelu: Finish.gelu,
  "gelu-tanh": Finish.geluTanh,
  elu: Finish.elu,
  selu: Finish.selu,
  sigmoid: Finish.sigmoid,
  "hard-sigmoid": Finish.hardSigmoid,
  "hard-swish": Finish.hardSwish,
  mish: Finish.mish,
  tanh: Finish.tanh,
  softplus: Finish.softplus,
  exp: Finish.exp,
  log: Finish.log,
  sqrt: Finish.sqrt,
  reciprocal: Finish.reciprocal,
  absolute: Finish.absolute,
  erf: Finish.erf,
  quantize: Finish.quantize,
};

function lowerActivation(drafts: Drafts, op: ActivationOp): void {
  const { height, channels } = drafts.shape(op.output);
  const [alpha, beta] = parametersOf(op);
  const isSigned = op.function === "quantize" && op.signed;
  const own = {
    [ActivationField.operation]: isSigned ? Finish.quantizeSigned : functions[op.function],
    [ActivationField.channels]: channels,
    [ActivationField.alpha]: bitsOf(alpha),
    [ActivationField.beta]: bitsOf(beta),
  };
  const slopes = op.function === "prelu" ? op.slopes : undefined;
  push(drafts, op, `f32_${nameOf(op)}`, ExtendedKernel.activation, height, own, [slopes, slopes]);
}

function parametersOf({ function: name, slope = 0.01, alpha = 1, beta = 0 }: ActivationOp): [number, number] {
  if (name === "leaky-relu") return [slope, 0];
  return name === "relu6" ? [0, 6] : [alpha, beta];
}

const binaries: Readonly<Record<BinaryOp["function"], Binary>> = {
  add: Binary.add,
  subtract: Binary.subtract,
  multiply: Binary.multiply,
  divide: Binary.divide,
  maximum: Binary.maximum,
  minimum: Binary.minimum,
};

function lowerBinary(drafts: Drafts, op: BinaryOp): void {
  const { height, channels } = drafts.shape(op.output);
  const strides = ({ height, width, channels }: ValueShape) => {
    const step = paddedChannels(channels);
    return [height === 1 ? 0 : width * step, width === 1 ? 0 : step, channels === 1 ? 0 : 1] as const;
  };
  const one = strides(drafts.shape(op.inputs[0]));
  const other = strides(drafts.shape(op.inputs[1]));
  push(drafts, op, `f32_${op.function}`, ExtendedKernel.binary, height, {
    [BinaryField.operation]: binaries[op.function],
    [BinaryField.oneRow]: one[0],
    [BinaryField.onePixel]: one[1],
    [BinaryField.oneChannel]: one[2],
    [BinaryField.otherRow]: other[0],
    [BinaryField.otherPixel]: other[1],
    [BinaryField.otherChannel]: other[2],
    [BinaryField.channels]: channels,
  });
}

function lowerPad(drafts: Drafts, op: PadOp): void {
  const output = drafts.shape(op.output);
  push(drafts, op, "f32_pad", ExtendedKernel.pad, output.height, {
    [PadField.beforeHeight]: op.before[0],
    [PadField.beforeWidth]: op.before[1],
    [PadField.beforeChannels]: op.before[2],
    [PadField.mode]: PadMode[op.mode],
    [PadField.value]: bitsOf(op.value),
    [PadField.inChannels]: drafts.shape(op.inputs[0]).channels,
    [PadField.outChannels]: output.channels,
  });
}

function lowerNormalize(drafts: Drafts, op: NormalizeOp): void {
  const { height, channels } = drafts.shape(op.output);
  const constant = (value: number): Vector => ({
    length: channels,
    read: () => new Float64Array(channels).fill(value),
  });
  const own = {
    [NormalizeField.groups]: op.groups,
    [NormalizeField.channels]: channels,
    [NormalizeField.epsilon]: bitsOf(op.epsilon),
  };
  const affine = [op.scale ?? constant(1), op.shift ?? constant(0)] as const;
  if (op.over === "pixel") {
    push(drafts, op, "f32_normalize_pixel", ExtendedKernel.normalizePixel, height, own, affine);
  } else push(drafts, op, "f32_normalize_image", ExtendedKernel.normalizeImage, op.groups, own, affine);
}

function lowerPool(drafts: Drafts, op: MaxPoolOp | AveragePoolOp, dilation: readonly [number, number]): void {
  const { height, width } = drafts.shape(op.inputs[0]);
  const counted = op.kind === "averagePool" && op.countPadding;
  const name = op.kind === "maxPool" ? "f32_dilated_max_pool" : "f32_dilated_average_pool";
  push(drafts, op, name, ExtendedKernel.dilatedPool, drafts.shape(op.output).height, {
    ...window(op),
    [PoolField.countedHeight]: counted && height + op.padding[2],
    [PoolField.countedWidth]: counted && width + op.padding[3],
    [DilatedPoolField.dilationHeight]: dilation[0],
    [DilatedPoolField.dilationWidth]: dilation[1],
    [DilatedPoolField.average]: op.kind === "averagePool",
  });
}
