import {
  ConvField,
  Field,
  IntegerConvField,
  Kernel,
  PointwiseField,
  ReluBit,
  Tile,
} from "../../../assembly/shared/record.js";
import { outlierBytes } from "../../../assembly/shared/sizes.js";
import type { ConvOp, IntegerRows, LinearOp, Op, Quantization, ValueId, ValueShape } from "../../graph/network.js";
import { ranges } from "../../graph/quantization.js";
import { paddedChannels, paddedIntegers } from "../../graph/tensor.js";
import { bitsOf, lower, window } from "../lower/lower.js";
import type { Drafts, Words } from "../program/drafts.js";
import { directOf } from "./direct.js";
import { MOST_STEPS } from "./exact.js";
import { integerForm } from "./pack.js";
import { type Filtering, filteringOf, filteringWords } from "./winograd.js";

/** Channels whose products with 0..8128 an i32 sums without overflow. */
const MOST_LINEAR = 2080;

/**
 * An operation's records, on integers where its values and weights are such and there is a kernel, else in f32 between conversions.
 * `inFloat`: the same operation for that.
 */
export function lowerIntegers(drafts: Drafts, op: Op, inFloat = op): void {
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const [from, to] = [input.quantization, output.quantization];
  const isKept = from !== undefined && to?.type === from.type && to.scale === from.scale;
  if (op.kind === "conv" && op.weight.int8 && (from?.type === "u7" || from?.type === "u8") && to && fits(drafts, op)) {
    lowerConv(drafts, op, op.weight.int8, from, to);
  } else if (op.kind === "maxPool" && isKept) {
    push(drafts, op, Kernel.qs8MaxPool, "qs8_max_pool", output.height, {
      [Field.relu]: from.type === "s8" ? 0 : 1,
      ...window(op),
    });
  } else if (op.kind === "globalAveragePool" && from?.type === "u7" && to?.type === "s16") {
    const factor = 64 / (input.height * input.width);
    push(drafts, op, Kernel.qs8GlobalAveragePool, "qs8_global_average_pool", paddedIntegers(input.channels) / 16, {
      [PointwiseField.scalar]: bitsOf(factor),
    });
  } else if (op.kind === "zeroPadShortcut" && isKept) {
    push(drafts, op, Kernel.qs8ZeroPadShortcut, "qs8_zero_pad_shortcut", output.height, {
      [PointwiseField.strideHeight]: op.stride,
      [PointwiseField.strideWidth]: op.stride,
      [PointwiseField.before]: op.before,
      [PointwiseField.channels]: input.channels,
    });
  } else if (op.kind === "linear" && op.weight.int8 && from?.type === "s16" && !to && input.channels <= MOST_LINEAR) {
    lowerLinear(drafts, op, op.weight.int8, from);
  } else lowerFloat(drafts, inFloat);
}

/** Whole words of channels in a group, and a summand of integers that is none too large to be rounded. */
function fits(drafts: Drafts, op: ConvOp): boolean {
  const summand = op.inputs[1];
  if (summand !== undefined) {
    const { quantization } = drafts.shape(summand);
    const { scale } = drafts.shape(op.output).quantization!;
    if (!quantization || quantization.type === "s16" || !(255 * (quantization.scale / scale) < MOST_STEPS))
      return false;
  }
  const [out, depth] = op.weight.shape as [number, number];
  return op.groups === 1 || (depth % 4 === 0 && out % op.groups === 0);
}

function lowerConv(drafts: Drafts, op: ConvOp, rows: IntegerRows, from: Quantization, to: Quantization): void {
  const [, summand] = op.inputs;
  const added = summand === undefined ? null : drafts.shape(summand).quantization!;
  const isUnsigned = added !== null && added.type !== "s8";
  const least = to.type === "s8" ? 0 : ReluBit.isZero;
  // The store has the summand's bytes 2^24 times as large, or 2^16 times without a sign.
  const factor = added ? added.scale / to.scale / (isUnsigned ? 2 ** 16 : 2 ** 24) : 0;
  // The fields have one word in both families.
  const stored = {
    [Field.relu]: least | (isUnsigned ? ReluBit.isUnsigned : 0),
    [IntegerConvField.factor]: bitsOf(factor),
  };
  const filtering = filteringOf(drafts, op);
  if (filtering) lowerFiltered(drafts, op, filtering, rows, from, to, stored);
  else lowerDirect(drafts, op, rows, from, to, stored);
}

/** `stored`: words that say how sums become the output. */
function lowerFiltered(
  drafts: Drafts,
  op: ConvOp,
  filtering: Filtering,
  rows: IntegerRows,
  { scale: inputScale }: Quantization,
  { scale: outputScale }: Quantization,
  stored: Words,
): void {
  const { depth, panels } = filtering;
  const form = integerForm(rows, 2, { inputScale, outputScale });
  const weights = drafts.addWeights(op, { form, depth, taps: 9, groupOut: 8 * panels });
  const { pieces, words } = filteringWords(drafts, op, filtering);
  push(drafts, op, Kernel.qs8Winograd, "qs8_conv3x3_winograd4", pieces, { ...words, ...stored }, weights);
}

function lowerDirect(
  drafts: Drafts,
  op: ConvOp,
  rows: IntegerRows,
  from: Quantization,
  to: Quantization,
  stored: Words,
): void {
  const { depth, taps, groupOut, tile, pieces, scratch, words } = directOf(drafts, op);
  const wide = tile === Tile.qs8_wide || tile === Tile.qs8_strassen;
  drafts.needScratch(scratch);
  const outliers = tile === Tile.qs8_4x8 ? outlierBytes((taps * depth) / 4) : 0;
  const form = integerForm(rows, wide ? 2 : 4, { inputScale: from.scale, outputScale: to.scale }, outliers);
  const weights = drafts.addWeights(op, { form, depth, taps, groups: op.groups, groupOut });
  push(
    drafts,
    op,
    Kernel.qs8Conv,
    tile === Tile.qs8_strassen ? "qs8_conv_strassen" : "qs8_conv",
    pieces,
    {
      ...words,
      ...stored,
      ...window(op),
      [ConvField.dilationHeight]: op.dilation[0],
      [ConvField.dilationWidth]: op.dilation[1],
    },
    weights,
  );
}

function lowerLinear(drafts: Drafts, op: LinearOp, rows: IntegerRows, from: Quantization): void {
  const [out] = op.weight.shape as [number];
  const depth = paddedIntegers(drafts.shape(op.inputs[0]).channels);
  const groupOut = Math.ceil(out / 8) * 8;
  const panels = groupOut / 8;
  const pieceCount = Math.min(panels, drafts.options.threads > 1 ? 4 * drafts.options.threads : 1);
  const panelsPerPiece = Math.ceil(panels / pieceCount);
  const form = integerForm(rows, 2, { inputScale: from.scale, outputScale: 1 });
  const weights = drafts.addWeights(op, { form, depth, taps: 1, groupOut });
  push(
    drafts,
    op,
    Kernel.qs8Linear,
    "qs8_linear",
    Math.ceil(panels / panelsPerPiece),
    {
      [Field.relu]: op.relu ? 1 : 0,
      [ConvField.depth]: depth / 2,
      [ConvField.panels]: panels,
      [ConvField.panelsPerPiece]: panelsPerPiece,
      [ConvField.groupOut]: out,
    },
    weights,
  );
}

export function push(
  drafts: Drafts,
  op: Op,
  kernel: Kernel,
  name: string,
  pieces: number,
  words: Words,
  weights?: number,
): void {
  const extents = steps(drafts.shape(op.inputs[0]), drafts.shape(op.output));
  drafts.push(op, name, {
    words: { ...extents, [Field.kernel]: kernel, [Field.pieces]: pieces, ...words },
    areas: drafts.places(op),
    weights,
  });
}

/** Extents; a step counts words of four bytes. */
function steps(input: ValueShape, output: ValueShape): Words {
  return {
    [Field.inHeight]: input.height,
    [Field.inWidth]: input.width,
    [Field.inStep]: stepOf(input),
    [Field.outHeight]: output.height,
    [Field.outWidth]: output.width,
    [Field.outStep]: stepOf(output),
  };
}

/** Words of four bytes from one pixel to the next. */
function stepOf({ channels, quantization }: ValueShape): number {
  if (!quantization) return paddedChannels(channels);
  return paddedIntegers(channels) / (quantization.type === "s16" ? 2 : 4);
}

/** An operation without a kernel for integers: what it reads is converted to f32, and so is what it leaves. */
function lowerFloat(drafts: Drafts, op: Op): void {
  const areaOf = [...drafts.areaOf];
  for (const value of op.inputs) {
    const shape = drafts.shape(value);
    if (shape.quantization) areaOf[value] = convert(drafts, op, value, shape, areaOf[value]!, true);
  }
  const output = drafts.shape(op.output);
  if (output.quantization)
    areaOf[op.output] = drafts.area(4 * output.height * output.width * paddedChannels(output.channels));
  drafts.inAreas(areaOf, () => lower(drafts, op));
  if (output.quantization) convert(drafts, op, op.output, output, areaOf[op.output]!, false);
}

/** A value to f32, in an area of its own, or back from there. Returns the area of f32 values. */
function convert(drafts: Drafts, op: Op, value: ValueId, shape: ValueShape, area: number, toFloat: boolean): number {
  const { height, width, quantization } = shape;
  const float = { ...shape, quantization: undefined };
  const own = toFloat ? drafts.area(4 * height * width * stepOf(float)) : area;
  const { type, scale, zero = 0 } = quantization!;
  drafts.push(op, toFloat ? "qs8_dequantize" : "qs8_quantize", {
    words: {
      ...(toFloat ? steps(shape, float) : steps(float, shape)),
      [Field.kernel]: toFloat ? Kernel.dequantize : Kernel.quantize,
      [Field.pieces]: height,
      [Field.relu]: type === "s8" ? 0 : 1,
      [PointwiseField.scalar]: bitsOf(toFloat ? scale : 1 / scale),
      [PointwiseField.most]: ranges[type][1],
      [PointwiseField.zero]: zero,
    },
    areas: { [Field.input]: toFloat ? area : own, [Field.output]: toFloat ? own : drafts.areaOf[value]! },
  });
  return own;
}
