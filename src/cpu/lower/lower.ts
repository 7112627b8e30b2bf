import { Field, Kernel } from "../../../assembly/shared/record.js";
import { UnsupportedModelError } from "../../errors.js";
import type { ActivationOp, ConvOp, Op } from "../../graph/network.js";
import { paddedChannels } from "../../graph/tensor.js";
import { chooseConvKernel } from "../choose/choose.js";
import { densify } from "../kernels/densify.js";
import { direct, lowerLinear, strassen, widthsFit } from "../kernels/direct.js";
import { lowerStem } from "../kernels/stem.js";
import { winograd, winogradLean } from "../kernels/winograd.js";
import type { Drafts, Words } from "../program/drafts.js";

/** An operation's records: which kernel, on which areas, in which pieces. */
export function lower(drafts: Drafts, op: Op): void {
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const image: Words = { ...drafts.image(op), [Field.channels]: input.channels };
  if (op.kind === "conv" && op.inputs[0] === drafts.network.input) {
    lowerStem(drafts, op);
    return;
  }
  const places = { input: drafts.read(op, op.inputs[0]), output: drafts.areaOf[op.output]! };
  switch (op.kind) {
    case "conv":
      lowerConv(drafts, op);
      return;
    case "linear":
      lowerLinear(drafts, op);
      return;
    case "maxPool":
    case "averagePool":
      drafts.push({
        step: drafts.step(op, op.kind === "maxPool" ? "f32_max_pool" : "f32_average_pool"),
        words: {
          ...image,
          ...window(op),
          [Field.kernel]: op.kind === "maxPool" ? Kernel.maxPool : Kernel.averagePool,
          [Field.tiles]: output.height,
          ...(op.kind === "averagePool" && op.countPadding
            ? {
                [Field.countedHeight]: input.height + op.padding[2],
                [Field.countedWidth]: input.width + op.padding[3],
              }
            : {}),
        },
        ...places,
      });
      return;
    case "globalAveragePool":
    case "globalMaxPool":
      drafts.push({
        step: drafts.step(op, op.kind === "globalMaxPool" ? "f32_max_pool" : "f32_average_pool"),
        words: {
          ...image,
          [Field.kernel]: op.kind === "globalMaxPool" ? Kernel.maxPool : Kernel.averagePool,
          [Field.tiles]: 1,
          [Field.kernelHeight]: input.height,
          [Field.kernelWidth]: input.width,
          [Field.strideHeight]: 1,
          [Field.strideWidth]: 1,
        },
        ...places,
      });
      return;
    case "batchNorm":
      drafts.affines.push({ scale: op.scale, shift: op.shift, channels: paddedChannels(input.channels) });
      drafts.push({
        step: drafts.step(op, "f32_affine"),
        words: { ...image, [Field.kernel]: Kernel.affine, [Field.tiles]: input.height, [Field.relu]: op.relu ? 1 : 0 },
        ...places,
        affine: drafts.affines.length - 1,
      });
      return;
    case "activation":
      if (!(op.function in activations)) throw unknown(op.function);
      drafts.push({
        step: drafts.step(op, `f32_${op.function.replace("-", "_")}`),
        words: {
          ...image,
          [Field.kernel]: activations[op.function],
          [Field.tiles]: input.height,
          [Field.scalar]: bitsOf(op.slope ?? 0.01),
        },
        ...places,
      });
      return;
    case "relu":
      drafts.push({
        step: drafts.step(op, "f32_relu"),
        words: { ...image, [Field.kernel]: Kernel.affine, [Field.tiles]: input.height, [Field.relu]: 1 },
        ...places,
      });
      return;
    case "add":
      drafts.push({
        step: drafts.step(op, "f32_add"),
        words: { ...image, [Field.kernel]: Kernel.add, [Field.tiles]: input.height, [Field.relu]: op.relu ? 1 : 0 },
        ...places,
        residual: drafts.residual(op),
      });
      return;
    case "zeroPadShortcut":
      drafts.push({
        step: drafts.step(op, "f32_zero_pad_shortcut"),
        words: {
          ...image,
          [Field.kernel]: Kernel.zeroPadShortcut,
          [Field.tiles]: output.height,
          [Field.strideHeight]: op.stride,
          [Field.strideWidth]: op.stride,
          [Field.before]: op.before,
        },
        ...places,
      });
      return;
    case "softmax":
      drafts.push({
        step: drafts.step(op, "f32_softmax"),
        words: { ...image, [Field.kernel]: Kernel.softmax, [Field.tiles]: input.height * input.width },
        ...places,
      });
      return;
    case "l2Normalize":
      drafts.push({
        step: drafts.step(op, "f32_l2_normalize"),
        words: {
          ...image,
          [Field.kernel]: Kernel.l2Normalize,
          [Field.tiles]: input.height * input.width,
          [Field.scalar]: bitsOf(op.epsilon),
        },
        ...places,
      });
      return;
    case "blurPool":
      drafts.push({
        step: drafts.step(op, "f32_blur_pool"),
        words: {
          ...image,
          [Field.kernel]: Kernel.blurPool,
          [Field.tiles]: output.height,
          [Field.strideWidth]: op.stride,
        },
        ...places,
      });
      return;
    default:
      throw unknown((op satisfies never as Op).kind);
  }
}

const activations: Readonly<Record<ActivationOp["function"], Kernel>> = {
  "leaky-relu": Kernel.leakyRelu,
  relu6: Kernel.relu6,
  silu: Kernel.silu,
  gelu: Kernel.gelu,
  elu: Kernel.elu,
};

/** A number as a word of a record. */
function bitsOf(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}

function unknown(what: string): UnsupportedModelError {
  return new UnsupportedModelError(`The CPU has no kernel for "${what}".`);
}

function lowerConv(drafts: Drafts, op: ConvOp): void {
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const kernel = chooseConvKernel(op, output, drafts.options);
  if (kernel.endsWith("_lean")) {
    winogradLean(drafts, op);
    return;
  }
  if (kernel === "f32_conv1x1_strassen") {
    strassen(drafts, op);
    return;
  }
  if (kernel !== "f32_conv") {
    winograd(drafts, op, kernel.endsWith("4") ? 4 : 2);
    return;
  }
  const step = paddedChannels(input.channels);
  const layout = { height: input.height, width: input.width, step, area: drafts.read(op, op.inputs[0]) };
  const dense = op.groups === 1 ? op : widthsFit(op, input.channels, output.channels) ? op : densify(op);
  const depth = dense.groups === 1 ? step : input.channels / op.groups;
  direct(drafts, dense, layout, op.kernel, depth, 1, op.padding);
}

function window(op: { kernel: readonly number[]; stride: readonly number[]; padding: readonly number[] }): Words {
  return {
    [Field.kernelHeight]: op.kernel[0]!,
    [Field.kernelWidth]: op.kernel[1]!,
    [Field.strideHeight]: op.stride[0]!,
    [Field.strideWidth]: op.stride[1]!,
    [Field.padHeight]: op.padding[0]!,
    [Field.padWidth]: op.padding[1]!,
  };
}
