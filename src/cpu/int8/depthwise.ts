import { ConvField, Field, Kernel, ReluBit, Tile } from "../../../assembly/shared/record.js";
import type { ConvOp } from "../../graph/network.js";
import { paddedIntegers } from "../../graph/tensor.js";
import { window as windowOf } from "../lower/lower.js";
import type { Drafts } from "../program/drafts.js";
import type { Plain } from "./plain.js";

/** False where there is no kernel on integers. */
export function lowerDepthwise(plain: Plain, drafts: Drafts, op: ConvOp): boolean {
  const rows = op.weight.int8;
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const [from, to] = [input.quantization, output.quantization];
  const [kernel] = op.kernel;
  const [stride] = op.stride;
  const [top, left] = op.padding;
  const fits =
    op.groups > 1 &&
    op.groups === op.weight.shape[0] &&
    op.weight.shape[1] === 1 &&
    op.inputs.length === 1 &&
    op.kernel[1] === kernel &&
    op.stride[1] === stride &&
    op.dilation.every((step) => step === 1) &&
    (kernel === 3 || kernel === 5) &&
    (stride === 1 || stride === 2) &&
    Math.max(top, left) < kernel;
  if (!rows || !from || !to || !fits || (from.type !== "u7" && from.type !== "u8")) return false;
  // The dot product of bytes takes 0..127 alone.
  const tile = from.type === "u8" ? Tile.qs8_wide : drafts.options.integers!.tile;
  const groupOut = paddedIntegers(output.channels);
  drafts.needScratch(input.width * groupOut);
  const scales = { inputScale: from.scale, outputScale: to.scale };
  // A window's rows lie as a plain convolution's input channels do, and its columns as taps.
  const side = tile === Tile.qs8_wide ? 2 : 4;
  const form = plain.integerForm(rows, side, scales);
  const window: ConvOp = { ...op, weight: { ...op.weight, shape: [op.groups, kernel, kernel] } };
  const depth = side * Math.ceil(kernel / side);
  const weights = drafts.addWeights(window, { form, depth, taps: kernel, groupOut });
  const words = {
    [Field.tile]: tile,
    [Field.relu]: to.type === "s8" ? 0 : ReluBit.isZero,
    ...windowOf(op),
    [ConvField.dilationHeight]: 1,
    [ConvField.dilationWidth]: 1,
  };
  plain.push(drafts, op, Kernel.qs8Depthwise, "qs8_depthwise", output.height, words, weights);
  return true;
}
