import { Field, Kernel } from "../../../assembly/shared/record.js";
import {
  planeBytes,
  STEM_POINTS,
  STEM_ROW,
  STEM_SAMPLES,
  STEM_SHARED,
  stemSamples,
} from "../../../assembly/shared/sizes.js";
import { opMacs } from "../../graph/macs.js";
import type { ConvOp } from "../../graph/network.js";
import { paddedChannels } from "../../graph/tensor.js";
import { chooseStemKernel } from "../choose/choose.js";
import type { Drafts, Words } from "../program/drafts.js";
import { densify } from "./densify.js";
import { direct } from "./direct.js";

/** Padded rows of the image in a piece of a stem's input. */
const STEM_ROWS = 16;

/**
 * The first convolution reads the caller's planes: they are interleaved into rows with a border of zeros, so that the
 * taps of one kernel row are contiguous and three channels need no padding to four.
 */
export function lowerStem(drafts: Drafts, op: ConvOp): void {
  if (chooseStemKernel(op, drafts.options) === "f32_conv7x7s2_winograd4") {
    stem7x7(drafts, op);
    return;
  }
  const input = drafts.shape(op.inputs[0]);
  const rowsTogether = op.dilation[1] === 1;
  const step = rowsTogether ? input.channels : paddedChannels(input.channels);
  const layout = drafts.interleave(op, op.padding, step);
  const dense = op.groups === 1 ? op : densify(op);
  if (rowsTogether) direct(drafts, dense, layout, [op.kernel[0], 1], step * op.kernel[1], op.kernel[1]);
  else direct(drafts, dense, layout, op.kernel, step, 1);
}

/** The same border and interleaving, with the transform of minimal filtering along rows; along columns it is made as it is used. */
function stem7x7(drafts: Drafts, op: ConvOp): void {
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const outStep = paddedChannels(output.channels);
  const panels = Math.ceil(outStep / 8);
  const tilesWide = Math.ceil(output.width / 4);
  const quads = Math.ceil(tilesWide / 4);
  const tilesHigh = Math.ceil(output.height / 4);
  const rows = 8 * tilesHigh + 5;
  const transformed = drafts.area(quads * rows * input.channels * (2 * STEM_SHARED + 1) * 16);
  const weights = drafts.addWeights(
    op.weight,
    op.bias,
    "stem7x7",
    input.channels,
    49,
    1,
    outStep,
    panels * 13 * 13 * input.channels * 32,
  );
  const words: Words = { [Field.channels]: input.channels, [Field.tilesWide]: tilesWide };
  const planes = planeBytes(16 * quads, input.channels) + planeBytes(4 * quads, outStep);
  drafts.needScratch(STEM_SAMPLES + 4 * stemSamples(quads));
  drafts.needScratch(4 * STEM_ROW + STEM_POINTS ** 2 * planes);
  drafts.push({
    step: drafts.step(op, "f32_conv7x7s2_winograd4_input"),
    words: {
      ...words,
      [Field.kernel]: Kernel.stemInput,
      [Field.tiles]: Math.ceil(rows / STEM_ROWS),
      [Field.rowsPerTile]: STEM_ROWS,
      [Field.inHeight]: input.height,
      [Field.inWidth]: input.width,
      [Field.outHeight]: rows,
      [Field.padHeight]: op.padding[0],
      [Field.padWidth]: op.padding[1],
    },
    input: drafts.areaOf[op.inputs[0]]!,
    output: transformed,
  });
  drafts.push({
    step: drafts.step(op, "f32_conv7x7s2_winograd4", opMacs(op, output)),
    words: {
      ...words,
      [Field.kernel]: Kernel.stem,
      [Field.tiles]: tilesHigh,
      [Field.relu]: op.relu ? 1 : 0,
      [Field.inHeight]: rows,
      [Field.outHeight]: output.height,
      [Field.outWidth]: output.width,
      [Field.outStep]: outStep,
      [Field.panels]: panels,
    },
    input: transformed,
    output: drafts.areaOf[op.output]!,
    weights,
  });
}
