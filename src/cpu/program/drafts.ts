import { Field, ImageField, Kernel } from "../../../assembly/shared/record.js";
import { opMacs } from "../../graph/macs.js";
import type { ConvOp, Graph, LinearOp, Op, Padding, ValueId, ValueShape, Vector } from "../../graph/network.js";
import { paddedChannels, paddedIntegers } from "../../graph/tensor.js";
import { align } from "./arena.js";
import { inPlace } from "./in-place.js";
import type { CompileOptions, PackJob, Step } from "./program.js";

/** Words of a record, by field. */
export type Words = Readonly<Record<number, number | boolean>>;

/** Areas whose addresses words of a record will hold, by field. */
export type AreaWords = Readonly<Record<number, number>>;

/** A record before addresses are known. */
export interface Draft {
  readonly step: Step;
  readonly words: Words;
  readonly areas: AreaWords;
  /** Its packed weights: which of the program's; or its scale and shift. */
  readonly weights?: number | undefined;
  readonly affine?: number | undefined;
}

/** Weights before they have a place. */
export type WeightDraft = Omit<PackJob, "weightsAt" | "firstBytesAt" | "biasAt"> & {
  /** Whether they are asked for ahead (assembly/gemm/ahead.ts). */
  readonly ahead: boolean;
};

/** An area of the arena: a network value, or a buffer that one operation needs between its records. */
export interface Area {
  bytes: number;
  first: number;
  last: number;
}

/** An image in an area: its extents, and the elements from one pixel to the next. */
export interface Layout {
  readonly height: number;
  readonly width: number;
  readonly step: number;
  readonly area: number;
}

/** What lowering leaves: records, weights and areas whose addresses are not known yet. */
export class Drafts {
  readonly records: Draft[] = [];
  readonly weights: WeightDraft[] = [];
  readonly affines: { scale: Vector; shift: Vector; channels: number }[] = [];
  readonly areas: Area[] = [];
  /** Area of each network value. */
  areaOf: readonly number[];
  /** Of one thread. */
  scratchBytes = 0;
  /** Stage that is being lowered. */
  stage = 0;
  /** The image with its channels together, where an operation reads it so. */
  private interleaved: number | null = null;

  constructor(
    readonly network: Graph,
    /** May be others for some operations. */
    public options: CompileOptions,
  ) {
    const places = inPlace(network);
    const bytesOf = (shape: ValueShape, value: ValueId) =>
      value === network.input ? 4 * shape.channels * shape.height * shape.width : valueBytes(shape);
    const areaOf = network.values.map((shape, value) => (places.has(value) ? -1 : this.area(bytesOf(shape, value))));
    const areaAt = (value: ValueId): number => (places.has(value) ? areaAt(places.get(value)!) : areaOf[value]!);
    this.areaOf = areaOf.map((_, value) => areaAt(value));
  }

  /** `kernel`: as reports name it. An operation's multiply-adds are told by its record with weights; where two have some, one has 0. */
  push(op: Op, kernel: string, { macs, ...draft }: Omit<Draft, "step"> & { macs?: 0 }): void {
    const own = draft.weights === undefined ? 0 : opMacs(op, this.shape(op.output));
    this.records.push({
      step: { stage: this.stage, name: op.name, output: op.output, kernel, macs: macs ?? own },
      ...draft,
    });
  }

  /** Lowers with values in other areas than their own. */
  inAreas(areaOf: readonly number[], lower: () => void): void {
    const own = this.areaOf;
    this.areaOf = areaOf;
    lower();
    this.areaOf = own;
  }

  /** Bytes of the arena for as long as records name them. */
  area(bytes: number): number {
    return this.areas.push({ bytes, first: Number.POSITIVE_INFINITY, last: -1 }) - 1;
  }

  /** The area where an operation finds a value, NHWC. The image lies there in planes, and is interleaved for the first that asks. */
  read(op: Op, value: ValueId): number {
    if (value !== this.network.input) return this.areaOf[value]!;
    this.interleaved ??= this.interleave(op, [0, 0, 0, 0], paddedChannels(this.shape(value).channels)).area;
    return this.interleaved;
  }

  /** The image in rows of pixels `step` elements apart, with a border of zeros, in an area of its own. */
  interleave(op: Op, [top, left, bottom, right]: Padding, step: number): Layout {
    const image = this.shape(this.network.input);
    const height = image.height + top + bottom;
    const width = image.width + left + right;
    const area = this.area(4 * height * width * step);
    this.push(op, "f32_input_nchw", {
      words: {
        [Field.kernel]: Kernel.inputNchw,
        [Field.pieces]: height,
        [Field.inHeight]: image.height,
        [Field.inWidth]: image.width,
        [Field.outHeight]: height,
        [Field.outWidth]: width,
        [Field.outStep]: step,
        [ImageField.padHeight]: top,
        [ImageField.padWidth]: left,
        [ImageField.channels]: image.channels,
      },
      areas: { [Field.input]: this.areaOf[this.network.input]!, [Field.output]: area },
    });
    return { height, width, step, area };
  }

  shape(value: ValueId): ValueShape {
    return this.network.values[value]!;
  }

  /** Fields that tell the shapes of an operation's input and output. */
  image(op: Op): Words {
    const input = this.shape(op.inputs[0]);
    const output = this.shape(op.output);
    const [inStep, outStep] = this.pixelSteps(op);
    return {
      [Field.inHeight]: input.height,
      [Field.inWidth]: input.width,
      [Field.inStep]: inStep,
      [Field.outHeight]: output.height,
      [Field.outWidth]: output.width,
      [Field.outStep]: outStep,
    };
  }

  /** Elements from one pixel of an operation's input, and of its output, to the next. */
  pixelSteps(op: Op): [input: number, output: number] {
    const step = (value: ValueId) => paddedChannels(this.shape(value).channels);
    return [step(op.inputs[0]), step(op.output)];
  }

  /** Areas that an operation reads and writes. */
  places(op: Op, input = this.read(op, op.inputs[0])): AreaWords {
    const [, summand] = op.inputs;
    const added: AreaWords = summand === undefined ? {} : { [Field.residual]: this.read(op, summand) };
    return { [Field.input]: input, [Field.output]: this.areaOf[op.output]!, ...added };
  }

  /** A convolution's weights in a kernel's form, of one group unless it is told. Returns which of the program's they are. */
  addWeights(op: ConvOp | LinearOp, draft: Pick<WeightDraft, "form" | "taps"> & Partial<WeightDraft>): number {
    const [depth, groupOut] = this.pixelSteps(op);
    const { weight, bias } = op;
    return this.weights.push({ weight, bias, groups: 1, depth, groupOut, ahead: false, ...draft }) - 1;
  }

  needScratch(bytes: number): void {
    this.scratchBytes = Math.max(this.scratchBytes, align(bytes));
  }
}

/** Bytes of a value in memory. */
export function valueBytes(shape: ValueShape): number {
  const { height, width, channels, quantization } = shape;
  if (!quantization) return 4 * valueLength(shape);
  return height * width * paddedIntegers(channels) * (quantization.type === "s16" ? 2 : 1);
}

export function valueLength(shape: ValueShape): number {
  return shape.height * shape.width * paddedChannels(shape.channels);
}
