import { Field, Kernel, StemField } from "../../../assembly/shared/record.js";
import {
  planeBytes,
  STEM_PHASES,
  STEM_POINTS,
  STEM_ROW,
  STEM_SAMPLES,
  stemSamples,
} from "../../../assembly/shared/sizes.js";
import { paddedChannels } from "../../graph/tensor.js";
import { stemForm } from "../pack/stem.js";
import { type ConvKernel, geometry } from "./kernel.js";

/** Padded rows of the image in a piece of the input's transform. */
const ROWS = 16;

/**
 * A 7x7 convolution of the caller's planes, by minimal filtering. They are interleaved, with a border of zeros, and transformed along
 * rows; along columns it is made as it is used.
 */
export const stem7x7: ConvKernel = {
  name: "f32_conv7x7s2_winograd4",
  fits: (op, network) => geometry(op, network) === "image,7,7,2,2,1,1,1" && op.inputs.length === 1,
  lower(drafts, op) {
    const { channels, height, width } = drafts.shape(op.inputs[0]);
    const output = drafts.shape(op.output);
    const outStep = paddedChannels(output.channels);
    const panels = Math.ceil(outStep / 8);
    const tilesWide = Math.ceil(output.width / 4);
    const quads = Math.ceil(tilesWide / 4);
    const tilesHigh = Math.ceil(output.height / 4);
    const rows = 8 * tilesHigh + 5;
    const transformed = drafts.area(quads * rows * channels * STEM_PHASES * 16);
    const words = { [StemField.channels]: channels, [StemField.tilesWide]: tilesWide };
    const planes = planeBytes(16 * quads, channels) + planeBytes(4 * quads, outStep);
    drafts.needScratch(STEM_SAMPLES + 4 * stemSamples(quads));
    drafts.needScratch(4 * STEM_ROW + STEM_POINTS ** 2 * planes);
    drafts.push(op, `${stem7x7.name}_input`, {
      words: {
        ...words,
        [Field.kernel]: Kernel.stemInput,
        [Field.pieces]: Math.ceil(rows / ROWS),
        [StemField.rowsPerPiece]: ROWS,
        [Field.inHeight]: height,
        [Field.inWidth]: width,
        [Field.outHeight]: rows,
        [StemField.padHeight]: op.padding[0],
        [StemField.padWidth]: op.padding[1],
      },
      areas: { [Field.input]: drafts.areaOf[op.inputs[0]]!, [Field.output]: transformed },
    });
    drafts.push(op, stem7x7.name, {
      words: {
        ...words,
        [Field.kernel]: Kernel.stem,
        [Field.pieces]: tilesHigh,
        [Field.relu]: op.relu,
        [Field.inHeight]: rows,
        [Field.outHeight]: output.height,
        [Field.outWidth]: output.width,
        [Field.outStep]: outStep,
        [StemField.panels]: panels,
      },
      areas: drafts.places(op, transformed),
      weights: drafts.addWeights(op, { form: stemForm, taps: 49, depth: channels }),
    });
  },
};
