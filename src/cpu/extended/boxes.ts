import { BoxField, ExtendedKernel } from "../../../assembly/shared/extended.js";
import { Field } from "../../../assembly/shared/record.js";
import type {
  ConcatOp,
  Op,
  ShuffleChannelsOp,
  SliceOp,
  TransposeOp,
  ValueId,
  ValueShape,
} from "../../graph/network.js";
import { paddedChannels } from "../../graph/tensor.js";
import type { Drafts } from "../program/drafts.js";

/** Elements along one axis: how many, and from one to the next in the input and in the output. */
type Axis = readonly [count: number, inStride: number, outStride: number];

interface Box {
  /** The outermost first. */
  readonly axes: readonly [Axis, Axis, Axis, Axis];
  readonly inBegin?: number;
  readonly outBegin?: number;
  /** Zeros behind each pixel, and where they begin. */
  readonly zeros?: readonly [begin: number, count: number];
}

/** Elements from one row, pixel and channel of a value to the next. */
function stridesOf({ width, channels }: ValueShape): readonly [number, number, number] {
  const step = paddedChannels(channels);
  return [width * step, step, 1];
}

const once: Axis = [1, 0, 0];

function push(drafts: Drafts, op: Op, name: string, input: ValueId, box: Box): void {
  const [[pieces, in0, out0], [count1, in1, out1], [count2, in2, out2], [count3, in3, out3]] = box.axes;
  drafts.push(op, name, {
    words: {
      [Field.kernel]: ExtendedKernel.copyBox,
      [Field.pieces]: pieces,
      [BoxField.inStride0]: in0,
      [BoxField.outStride0]: out0,
      [BoxField.count1]: count1,
      [BoxField.inStride1]: in1,
      [BoxField.outStride1]: out1,
      [BoxField.count2]: count2,
      [BoxField.inStride2]: in2,
      [BoxField.outStride2]: out2,
      [BoxField.count3]: count3,
      [BoxField.inStride3]: in3,
      [BoxField.outStride3]: out3,
      [BoxField.inBegin]: box.inBegin ?? 0,
      [BoxField.outBegin]: box.outBegin ?? 0,
      [BoxField.zerosBegin]: box.zeros?.[0] ?? 0,
      [BoxField.zerosCount]: box.zeros?.[1] ?? 0,
    },
    areas: { [Field.input]: drafts.read(op, input), [Field.output]: drafts.areaOf[op.output]! },
  });
}

/** A record for each input. */
export function lowerConcat(drafts: Drafts, op: ConcatOp): void {
  const output = drafts.shape(op.output);
  const outStrides = stridesOf(output);
  let begin = 0;
  for (const value of op.inputs) {
    const shape = drafts.shape(value);
    const strides = stridesOf(shape);
    const extent = [shape.height, shape.width, shape.channels][op.axis]!;
    // Padding lanes are zeros already; the next input is stored over those that are not the last.
    const whole = op.axis !== 2 || begin % 4 === 0;
    const isLast = op.axis === 2 && begin + extent === output.channels;
    push(drafts, op, "f32_concat", value, {
      axes: [
        [shape.height, strides[0], outStrides[0]],
        [shape.width, strides[1], outStrides[1]],
        once,
        [whole ? paddedChannels(shape.channels) : shape.channels, 1, 1],
      ],
      outBegin: begin * outStrides[op.axis]!,
      zeros: isLast && !whole ? [extent, paddedChannels(output.channels) - output.channels] : [0, 0],
    });
    begin += extent;
  }
}

/** Zeros behind an output's channels. */
function zerosOf({ channels }: ValueShape): readonly [number, number] {
  return [channels, paddedChannels(channels) - channels];
}

export function lowerSlice(drafts: Drafts, op: SliceOp): void {
  const strides = stridesOf(drafts.shape(op.inputs[0]));
  const begin = op.begin.reduce((sum, begin, axis) => sum + begin * strides[axis]!, 0);
  lowerStrided(drafts, op, "f32_slice", (axis) => strides[axis]! * op.step[axis]!, begin);
}

export function lowerTranspose(drafts: Drafts, op: TransposeOp): void {
  const strides = stridesOf(drafts.shape(op.inputs[0]));
  lowerStrided(drafts, op, "f32_transpose", (axis) => strides[op.order[axis]!]!, 0);
}

/** An output whose axes go through the input by `along` elements each. */
function lowerStrided(
  drafts: Drafts,
  op: SliceOp | TransposeOp,
  name: string,
  along: (axis: number) => number,
  inBegin: number,
): void {
  const output = drafts.shape(op.output);
  const outStrides = stridesOf(output);
  push(drafts, op, name, op.inputs[0], {
    axes: [
      [output.height, along(0), outStrides[0]],
      [output.width, along(1), outStrides[1]],
      once,
      [output.channels, along(2), 1],
    ],
    inBegin,
    zeros: zerosOf(output),
  });
}

export function lowerShuffle(drafts: Drafts, op: ShuffleChannelsOp): void {
  const shape = drafts.shape(op.output);
  const strides = stridesOf(shape);
  const size = shape.channels / op.groups;
  push(drafts, op, "f32_shuffle_channels", op.inputs[0], {
    axes: [
      [shape.height, strides[0], strides[0]],
      [shape.width, strides[1], strides[1]],
      [size, 1, op.groups],
      [op.groups, size, 1],
    ],
    zeros: zerosOf(shape),
  });
}
