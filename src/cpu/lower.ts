import { Kernel } from "../../assembly/record.js";
import type { ConvOp, Op } from "../model/network.js";
import { paddedChannels } from "../tensor.js";
import { chooseConvKernel } from "./choose.js";
import { densify } from "./densify.js";
import type { Drafts, Words } from "./drafts.js";
import { direct, lowerLinear, strassen, widthsFit } from "./lower-direct.js";
import { lowerStem } from "./lower-stem.js";
import { winograd, winogradLean } from "./lower-winograd.js";

/** An operation's records: which kernel, on which areas, in which pieces. */
export function lower(drafts: Drafts, op: Op): void {
  const input = drafts.shape(op.input);
  const output = drafts.shape(op.output);
  const image: Words = { ...drafts.image(op), channels: input.channels };
  const places = { input: drafts.areaOf[op.input]!, output: drafts.areaOf[op.output]! };
  switch (op.kind) {
    case "conv":
      if (op.input === drafts.network.input) lowerStem(drafts, op);
      else lowerConv(drafts, op);
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
          kernel: op.kind === "maxPool" ? Kernel.maxPool : Kernel.averagePool,
          tiles: output.height,
          countPadding: op.kind === "averagePool" && op.countPadding ? 1 : 0,
        },
        ...places,
      });
      return;
    case "globalAveragePool":
      drafts.push({
        step: drafts.step(op, "f32_average_pool"),
        words: {
          ...image,
          kernel: Kernel.averagePool,
          tiles: 1,
          kernelHeight: input.height,
          kernelWidth: input.width,
          strideHeight: 1,
          strideWidth: 1,
        },
        ...places,
      });
      return;
    case "batchNorm":
      drafts.affines.push({ scale: op.scale, shift: op.shift, channels: paddedChannels(input.channels) });
      drafts.push({
        step: drafts.step(op, "f32_affine"),
        words: { ...image, kernel: Kernel.affine, tiles: input.height, relu: op.relu ? 1 : 0 },
        ...places,
        affine: drafts.affines.length - 1,
      });
      return;
    case "relu":
      drafts.push({
        step: drafts.step(op, "f32_relu"),
        words: { ...image, kernel: Kernel.affine, tiles: input.height, relu: 1 },
        ...places,
      });
      return;
    case "add":
      drafts.push({
        step: drafts.step(op, "f32_add"),
        words: { ...image, kernel: Kernel.add, tiles: input.height, relu: op.relu ? 1 : 0 },
        ...places,
        residual: drafts.areaOf[op.other]!,
      });
      return;
    case "zeroPadShortcut":
      drafts.push({
        step: drafts.step(op, "f32_zero_pad_shortcut"),
        words: {
          ...image,
          kernel: Kernel.zeroPadShortcut,
          tiles: output.height,
          strideHeight: op.stride,
          strideWidth: op.stride,
          before: op.before,
        },
        ...places,
      });
      return;
    case "softmax":
      drafts.push({
        step: drafts.step(op, "f32_softmax"),
        words: { ...image, kernel: Kernel.softmax, tiles: 1 },
        ...places,
      });
  }
}

function lowerConv(drafts: Drafts, op: ConvOp): void {
  const input = drafts.shape(op.input);
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
  const layout = { height: input.height, width: input.width, step, area: drafts.areaOf[op.input]! };
  const dense = op.groups === 1 ? op : widthsFit(op, input.channels, output.channels) ? op : densify(op);
  const depth = dense.groups === 1 ? step : input.channels / op.groups;
  direct(drafts, dense, layout, op.kernel, depth, 1, op.padding);
}

function window(op: { kernel: readonly number[]; stride: readonly number[]; padding: readonly number[] }): Words {
  return {
    kernelHeight: op.kernel[0]!,
    kernelWidth: op.kernel[1]!,
    strideHeight: op.stride[0]!,
    strideWidth: op.stride[1]!,
    padHeight: op.padding[0]!,
    padWidth: op.padding[1]!,
  };
}
