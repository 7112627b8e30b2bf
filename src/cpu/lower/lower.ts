import { Field, Kernel, PointwiseField, PoolField } from "../../../assembly/shared/record.js";
import { UnsupportedModelError } from "../../errors.js";
import type { ActivationOp, ExtendedOp, Op } from "../../graph/network.js";
import { paddedChannels } from "../../graph/tensor.js";
import { chooseConvKernel } from "../choose/choose.js";
import { lowerLinear } from "../kernels/direct.js";
import type { Drafts, Words } from "../program/drafts.js";

/** The one record of an operation: its kernel's name and number, its pieces, words beside the image's, and which scale and shift. */
type Row = readonly [name: string, kernel: Kernel, pieces: number, own?: Words, affine?: number];

/** An operation's records: which kernel, on which areas, in which pieces. */
export function lower(drafts: Drafts, op: Op): void {
  if (op.kind === "conv") {
    chooseConvKernel(op, drafts.network, drafts.options).lower(drafts, op);
    return;
  }
  if (op.kind === "linear") {
    lowerLinear(drafts, op);
    return;
  }
  const areas = drafts.places(op);
  const [name, kernel, pieces, own, affine] = rowOf(drafts, op);
  const words = { ...drafts.image(op), [Field.kernel]: kernel, [Field.pieces]: pieces, ...own };
  drafts.push(op, name, { words, areas, affine });
}

function rowOf(drafts: Drafts, op: Exclude<Op, { kind: "conv" | "linear" }>): Row {
  const { height, width, channels } = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  switch (op.kind) {
    case "maxPool":
      return ["f32_max_pool", Kernel.maxPool, output.height, window(op)];
    case "averagePool": {
      const [, , bottom, right] = op.padding;
      const own = {
        ...window(op),
        [PoolField.countedHeight]: op.countPadding && height + bottom,
        [PoolField.countedWidth]: op.countPadding && width + right,
      };
      return ["f32_average_pool", Kernel.averagePool, output.height, own];
    }
    case "globalMaxPool":
      return ["f32_max_pool", Kernel.maxPool, 1, whole(height, width)];
    case "globalAveragePool":
      return ["f32_average_pool", Kernel.averagePool, 1, whole(height, width)];
    case "blurPool":
      return ["f32_blur_pool", Kernel.blurPool, output.height, { [PoolField.strideWidth]: op.stride }];
    case "batchNorm": {
      const { scale, shift } = op;
      const affine = drafts.affines.push({ scale, shift, channels: paddedChannels(channels) }) - 1;
      return ["f32_affine", Kernel.affine, height, { [Field.relu]: op.relu }, affine];
    }
    case "relu":
      return ["f32_relu", Kernel.affine, height, { [Field.relu]: true }];
    case "add":
      return ["f32_add", Kernel.add, height, { [Field.relu]: op.relu }];
    case "activation":
      if (!(op.function in activations)) throw unknown(op.function);
      return [
        `f32_${op.function.replace("-", "_")}`,
        activations[op.function]!,
        height,
        {
          [PointwiseField.scalar]: bitsOf(op.slope ?? 0.01),
        },
      ];
    case "zeroPadShortcut":
      return [
        "f32_zero_pad_shortcut",
        Kernel.zeroPadShortcut,
        output.height,
        {
          [PointwiseField.strideHeight]: op.stride,
          [PointwiseField.strideWidth]: op.stride,
          [PointwiseField.before]: op.before,
          [PointwiseField.channels]: channels,
        },
      ];
    case "softmax":
      return ["f32_softmax", Kernel.softmax, height * width, { [PointwiseField.channels]: channels }];
    case "l2Normalize":
      return [
        "f32_l2_normalize",
        Kernel.l2Normalize,
        height * width,
        {
          [PointwiseField.scalar]: bitsOf(op.epsilon),
        },
      ];
    default:
      throw unknown((op satisfies ExtendedOp).kind);
  }
}

const activations: Readonly<Partial<Record<ActivationOp["function"], Kernel>>> = {
  "leaky-relu": Kernel.leakyRelu,
  relu6: Kernel.relu6,
  silu: Kernel.silu,
  gelu: Kernel.gelu,
  elu: Kernel.elu,
};

/** A number as a word of a record. */
export function bitsOf(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}

function unknown(what: string): UnsupportedModelError {
  return new UnsupportedModelError(`The CPU has no kernel for "${what}".`);
}

/** Fields of a window that moves over an image: `ConvField` has the same words. */
export function window(op: {
  kernel: readonly number[];
  stride: readonly number[];
  padding: readonly number[];
}): Words {
  return {
    [PoolField.kernelHeight]: op.kernel[0]!,
    [PoolField.kernelWidth]: op.kernel[1]!,
    [PoolField.strideHeight]: op.stride[0]!,
    [PoolField.strideWidth]: op.stride[1]!,
    [PoolField.padHeight]: op.padding[0]!,
    [PoolField.padWidth]: op.padding[1]!,
  };
}

/** A global pool's one window. */
const whole = (height: number, width: number): Words =>
  window({ kernel: [height, width], stride: [1, 1], padding: [0, 0, 0, 0] });
