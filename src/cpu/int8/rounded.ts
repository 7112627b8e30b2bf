import { Field, IntegerAddField, Kernel, PointwiseField, ReluBit } from "../../../assembly/shared/record.js";
import type { ActivationOp, AddOp, ConvOp, LinearOp, Op, Quantization } from "../../graph/network.js";
import { ranges } from "../../graph/quantization.js";
import { elementCount, paddedChannels, paddedIntegers } from "../../graph/tensor.js";
import { bitsOf } from "../lower/lower.js";
import type { Draft, Drafts } from "../program/drafts.js";
import { MOST_PRODUCTS, MOST_STEPS } from "./exact.js";
import type { Plain } from "./plain.js";

/** What the store adds to 0..255. */
const BYTE_OFFSET = 128;
/** Values of a plane that are rounded together, as if they were a pixel's. */
const PIXEL = 16;

/** What the lowering of bounded networks has: bundlers part a chunk that a later one imports. */
export interface Tools {
  lowerBounded(plain: Plain, drafts: Drafts, op: Op): void;
  lowerDepthwise(plain: Plain, drafts: Drafts, op: ConvOp): boolean;
  withBound(drafts: Drafts, op: ConvOp): ConvOp;
  withOffsets(drafts: Drafts, op: ConvOp, less?: number): ConvOp;
}

/**
 * As `lowerBounded`, in networks whose graph says where it rounds, to 0..255 with any zero: their convolutions and linear layers leave such
 * integers, sums are of two of them, and padding is what stands for zero. What rounds to others than these steps runs in f32.
 */
export function lowerRounded(tools: Tools, plain: Plain, drafts: Drafts, op: Op): void {
  if (op.kind === "conv") lowerConv(tools, plain, drafts, op);
  else if (op.kind === "linear" && isOfBytes(drafts, op)) lowerConv(tools, plain, drafts, pointwise(op));
  else if (op.kind === "add" && isOfBytes(drafts, op)) lowerAdd(plain, drafts, op);
  else if (op.kind === "activation" && op.function === "quantize") lowerRounding(drafts, op);
  else tools.lowerBounded(plain, drafts, op);
}

const isByte = (quantization: Quantization | undefined) => quantization?.type === "u7" || quantization?.type === "u8";

const isOfBytes = (drafts: Drafts, { inputs, output }: Op) =>
  [...inputs, output].every((value) => isByte(drafts.shape(value).quantization));

/** A linear layer is a convolution of one pixel. */
function pointwise({ name, inputs, output, weight, bias, relu }: LinearOp): ConvOp {
  const ones = [1, 1] as const;
  return {
    ...{ kind: "conv", name, inputs, output, bias, relu, groups: 1 },
    ...{ kernel: ones, stride: ones, dilation: ones, padding: [0, 0, 0, 0] },
    weight: { ...weight, shape: [...weight.shape, 1, 1] },
  };
}

function lowerConv(tools: Tools, plain: Plain, drafts: Drafts, op: ConvOp): void {
  const image = imageOf(drafts, op);
  const joined = tools.withBound(drafts, image ?? op);
  const isExact = image === null && staysExact(drafts, joined);
  const own: ConvOp = isExact ? joined : { ...joined, weight: { ...joined.weight, int8: undefined } };
  const to = drafts.shape(own.output).quantization;
  const offset = tools.withOffsets(drafts, own, to?.type === "u8" ? BYTE_OFFSET : 0);
  const before = drafts.records.length;
  if (!tools.lowerDepthwise(plain, drafts, offset)) plain.lowerIntegers(drafts, offset, own);
  const last = drafts.records.at(-1)!;
  if (isExact && drafts.records.length === before + 1 && isOfIntegers(last)) finishConv(drafts, own, last);
}

const isOfIntegers = ({ words }: Draft) =>
  [Kernel.qs8Conv, Kernel.qs8Depthwise, Kernel.qs8Winograd].includes(words[Field.kernel] as Kernel);

/** Has a convolution's record store 0..255, and read what stands for zero where its input is padded. */
function finishConv(drafts: Drafts, op: ConvOp, record: Draft): void {
  drafts.records.pop();
  const input = drafts.shape(op.inputs[0]);
  const { zero = 0 } = input.quantization!;
  const isBytes = drafts.shape(op.output).quantization!.type === "u8";
  const words = isBytes
    ? { ...record.words, [Field.relu]: Number(record.words[Field.relu]) | ReluBit.isByte }
    : record.words;
  const isPadded = zero !== 0 && op.padding.some((side) => side > 0);
  const areas = isPadded ? { ...record.areas, [Field.zeros]: fill(drafts, op, zero) } : record.areas;
  drafts.records.push({ ...record, words, areas });
}

/** A pixel of the convolution's input with one byte throughout, in an area of its own. */
function fill(drafts: Drafts, op: ConvOp, zero: number): number {
  const bytes = paddedIntegers(drafts.shape(op.inputs[0]).channels);
  const area = drafts.area(bytes);
  drafts.push(op, "qs8_fill", {
    words: {
      [Field.kernel]: Kernel.qs8Fill,
      [Field.pieces]: 1,
      [Field.outStep]: bytes / 4,
      [PointwiseField.zero]: zero,
    },
    areas: { [Field.output]: area },
  });
  return area;
}

/** Whether a convolution's results are those of its integers: no sum can be too large to be rounded, and its kernel knows how to pad. */
function staysExact(drafts: Drafts, op: ConvOp): boolean {
  const from = drafts.shape(op.inputs[0]).quantization;
  const to = drafts.shape(op.output).quantization;
  const rows = op.weight.int8;
  if (!rows || !from || !to) return false;
  const isDepthwise = op.groups > 1 && op.weight.shape[1] === 1;
  if (isDepthwise && from.zero && op.padding.some((side) => side > 0)) return false;
  const factor = from.scale / to.scale;
  const length = elementCount(op.weight.shape.slice(1));
  if (length > MOST_PRODUCTS) return false;
  const bias = op.bias?.read();
  return rows.scales.read().every((scale, channel) => {
    const sums = 2 * 255 * 127 * length * factor * scale;
    return sums + Math.abs(bias?.[channel] ?? 0) / to.scale + 2 * BYTE_OFFSET < MOST_STEPS;
  });
}

function lowerAdd(plain: Plain, drafts: Drafts, op: AddOp): void {
  const [one, other, to] = [op.inputs[0], op.inputs[1], op.output].map((it) => drafts.shape(it).quantization!) as [
    Quantization,
    Quantization,
    Quantization,
  ];
  const [first, second] = [one.scale / to.scale, other.scale / to.scale];
  if (!(255 * (first + second) + 255 < MOST_STEPS)) {
    plain.lowerIntegers(drafts, op);
    return;
  }
  const offset = (to.zero ?? 0) - first * (one.zero ?? 0) - second * (other.zero ?? 0);
  plain.push(drafts, op, Kernel.qs8Add, "qs8_add", drafts.shape(op.output).height, {
    [IntegerAddField.scalar]: bitsOf(first),
    [IntegerAddField.factor]: bitsOf(second),
    [IntegerAddField.offset]: bitsOf(offset),
    [IntegerAddField.most]: ranges[to.type][1],
  });
}

/** An operation that rounds f32 to integers, or integers to others. */
function lowerRounding(drafts: Drafts, op: ActivationOp): void {
  const [input] = op.inputs;
  const { height, width, channels, quantization } = drafts.shape(input);
  const to = drafts.shape(op.output).quantization!;
  if (arePlanes(drafts, op)) {
    // Where they lie: to bytes, and back.
    const layout = { rows: channels, pixels: (height * width) / PIXEL, floats: PIXEL, words: PIXEL / 4 };
    const planes = drafts.areaOf[input]!;
    const bytes = drafts.area(channels * height * width);
    convert(drafts, op, to, layout, false, planes, bytes);
    convert(drafts, op, to, layout, true, bytes, planes);
    return;
  }
  const layout = {
    ...{ rows: height, pixels: width },
    ...{ floats: paddedChannels(channels), words: paddedIntegers(channels) / 4 },
  };
  let float = drafts.read(op, input);
  if (quantization) {
    const bytes = float;
    float = drafts.area(4 * height * width * layout.floats);
    convert(drafts, op, quantization, layout, true, bytes, float);
  }
  convert(drafts, op, to, layout, false, float, drafts.areaOf[op.output]!);
}

/** Whether an operation rounds the image for convolutions alone, and nothing else reads that: it can be rounded in its planes. */
function arePlanes({ network }: Drafts, op: ActivationOp): boolean {
  const [input] = op.inputs;
  const { height, width } = network.values[input]!;
  if (input !== network.input || (height * width) % PIXEL !== 0) return false;
  if (network.stages.some((stage) => stage.output === op.output)) return false;
  return network.stages.every(({ ops }) =>
    ops.every(
      (it) => it === op || !it.inputs.some((value) => value === input || (value === op.output && it.kind !== "conv")),
    ),
  );
}

/** The convolution on the image's planes, which were rounded where they lie; null where it reads another value. */
function imageOf(drafts: Drafts, op: ConvOp): ConvOp | null {
  const [input, ...others] = op.inputs;
  const ops = drafts.network.stages.flatMap((stage) => stage.ops);
  const maker = ops.find(({ output }) => output === input);
  const isRounded = maker?.kind === "activation" && maker.function === "quantize" && arePlanes(drafts, maker);
  return isRounded ? { ...op, inputs: [drafts.network.input, ...others] } : null;
}

/** Rows of pixels, in f32 and as bytes: elements of a pixel, and words of four bytes. */
interface Layout {
  readonly rows: number;
  readonly pixels: number;
  readonly floats: number;
  readonly words: number;
}

function convert(
  drafts: Drafts,
  op: Op,
  { type, scale, zero = 0 }: Quantization,
  { rows, pixels, floats, words }: Layout,
  toFloat: boolean,
  from: number,
  to: number,
): void {
  const [inStep, outStep] = toFloat ? [words, floats] : [floats, words];
  drafts.push(op, toFloat ? "qs8_dequantize" : "qs8_quantize", {
    words: {
      [Field.kernel]: toFloat ? Kernel.dequantize : Kernel.quantize,
      [Field.pieces]: rows,
      [Field.relu]: type === "s8" ? 0 : 1,
      ...{ [Field.inHeight]: rows, [Field.inWidth]: pixels, [Field.inStep]: inStep },
      ...{ [Field.outHeight]: rows, [Field.outWidth]: pixels, [Field.outStep]: outStep },
      [PointwiseField.scalar]: bitsOf(toFloat ? scale : 1 / scale),
      [PointwiseField.most]: ranges[type][1],
      [PointwiseField.zero]: zero,
    },
    areas: { [Field.input]: from, [Field.output]: to },
  });
}
