import { Field, Kernel } from "../../../assembly/shared/record.js";
import type { ConvOp, Graph, Op, Padding, ValueId, ValueShape, Vector, Weight } from "../../graph/network.js";
import { paddedChannels } from "../../graph/tensor.js";
import { align } from "./arena.js";
import { inPlace } from "./in-place.js";
import type { CompileOptions, PackForm, Step } from "./program.js";

/** Pieces of work for each thread, so that one that was held up does not hold up the others. */
export const PIECES_PER_THREAD = 4;

/** Fields of a record. */
export type Words = Partial<Record<Field, number>>;

/** A record before addresses are known: fields that name values or weights are filled in when the layout is. */
export interface Draft {
  readonly step: Step;
  readonly words: Words;
  readonly input?: number;
  readonly output?: number;
  readonly residual?: number | null;
  readonly transformed?: number | undefined;
  readonly products?: number;
  readonly weights?: number;
  readonly affine?: number;
}

export interface WeightDraft {
  readonly weight: Weight;
  readonly bias: Vector | null;
  readonly form: PackForm;
  readonly depth: number;
  readonly taps: number;
  readonly groups: number;
  readonly groupOut: number;
  readonly bytes: number;
  /** Whether they are asked for ahead (assembly/gemm/ahead.ts). */
  readonly ahead: boolean;
}

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
  readonly areaOf: readonly number[];
  /** Of one thread. */
  scratchBytes = 0;
  /** Stage that is being lowered. */
  stage = 0;
  /** The image with its channels together, where an operation reads it so. */
  private interleaved: number | null = null;

  constructor(
    readonly network: Graph,
    readonly options: CompileOptions,
  ) {
    const places = inPlace(network);
    const lengthOf = (shape: ValueShape, value: ValueId) =>
      value === network.input ? shape.channels * shape.height * shape.width : valueLength(shape);
    const areaOf = network.values.map((shape, value) =>
      places.has(value) ? -1 : this.area(4 * lengthOf(shape, value)),
    );
    const areaAt = (value: ValueId): number => (places.has(value) ? areaAt(places.get(value)!) : areaOf[value]!);
    this.areaOf = areaOf.map((_, value) => areaAt(value));
  }

  push(draft: Draft): void {
    this.records.push(draft);
  }

  /** Bytes of the arena for as long as records name them. */
  area(bytes: number): number {
    return this.areas.push({ bytes, first: Number.POSITIVE_INFINITY, last: -1 }) - 1;
  }

  /** The area where an operation finds a value, NHWC. The image lies there in planes, and is interleaved for the first that asks. */
  read(op: Op, value: ValueId): number {
    if (value !== this.network.input) return this.areaOf[value]!;
    const { channels } = this.shape(value);
    this.interleaved ??= this.interleave(op, [0, 0, 0, 0], paddedChannels(channels)).area;
    return this.interleaved;
  }

  /** The image in rows of pixels `step` elements apart, with a border of zeros, in an area of its own. */
  interleave(op: Op, [top, left, bottom, right]: Padding, step: number): Layout {
    const image = this.shape(this.network.input);
    const height = image.height + top + bottom;
    const width = image.width + left + right;
    const area = this.area(4 * height * width * step);
    this.push({
      step: this.step(op, "f32_input_nchw"),
      words: {
        [Field.kernel]: Kernel.inputNchw,
        [Field.tiles]: height,
        [Field.inHeight]: image.height,
        [Field.inWidth]: image.width,
        [Field.outHeight]: height,
        [Field.outWidth]: width,
        [Field.outStep]: step,
        [Field.padHeight]: top,
        [Field.padWidth]: left,
        [Field.channels]: image.channels,
      },
      input: this.areaOf[this.network.input]!,
      output: area,
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
    return {
      [Field.inHeight]: input.height,
      [Field.inWidth]: input.width,
      [Field.inStep]: paddedChannels(input.channels),
      [Field.outHeight]: output.height,
      [Field.outWidth]: output.width,
      [Field.outStep]: paddedChannels(output.channels),
    };
  }

  /** Areas that a convolution reads and writes. */
  places(op: ConvOp): { input: number; output: number; residual: number | null } {
    return { input: this.read(op, op.inputs[0]), output: this.areaOf[op.output]!, residual: this.residual(op) };
  }

  /** The area of what is added, where something is. */
  residual(op: Op): number | null {
    return op.inputs[1] === undefined ? null : this.read(op, op.inputs[1]);
  }

  step(op: Op, kernel: string, macs = 0): Step {
    return { stage: this.stage, name: op.name, kernel, macs };
  }

  addWeights(
    weight: Weight,
    bias: Vector | null,
    form: WeightDraft["form"],
    depth: number,
    taps: number,
    groups: number,
    groupOut: number,
    bytes: number,
    ahead = false,
  ): number {
    return this.weights.push({ weight, bias, form, depth, taps, groups, groupOut, bytes, ahead }) - 1;
  }

  needScratch(bytes: number): void {
    this.scratchBytes = Math.max(this.scratchBytes, align(bytes));
  }
}

export function valueLength(shape: ValueShape): number {
  return shape.height * shape.width * paddedChannels(shape.channels);
}
