import { Field, Kernel, StrassenField } from "../../../assembly/shared/record.js";
import {
  blockRows,
  FACTORS,
  halfPointerBytes,
  KEPT_STEP,
  keptBytes,
  planeBytes,
  sumsBytes,
} from "../../../assembly/shared/sizes.js";
import type { ConvOp } from "../../graph/network.js";
import { panelForm } from "../pack/panels.js";
import type { Drafts } from "../program/drafts.js";
import type { ConvKernel } from "./kernel.js";
import { piecesOf } from "./pieces.js";

/** First factors of a piece's products, and its rows: the more, the less often weights are added up. */
const ROWS_BYTES = 2560 * 1024;
const ROWS = 1024;
/** Input channels of a part, at most. */
const PART = 512;
/** To add up a row of factors, in panels of one half; and of a panel's, in rows. */
const ADDED = { rowPanels: 1, panelRows: 6 };

/** Seven products of halves for eight (Strassen 1969), where halves are worth adding up. On the direct kernel's weights. */
export const strassen: ConvKernel = {
  name: "f32_conv1x1_strassen",
  fits({ kernel, padding, groups, weight, output, inputs }, network) {
    const [out, channels] = weight.shape as [number, number];
    const { height, width } = network.values[output]!;
    return (
      inputs[0] !== network.input &&
      [...kernel, ...padding, groups].join() === "1,1,0,0,0,0,1" &&
      Math.min(out, channels) >= 64 &&
      out % 16 === 0 &&
      channels % 16 === 0 &&
      height * width >= 48
    );
  },
  lower,
};

function lower(drafts: Drafts, op: ConvOp): void {
  const output = drafts.shape(op.output);
  const [inStep, outStep] = drafts.pixelSteps(op);
  const panels = outStep / 8;
  const rows = output.height * output.width;
  // Both halves consist of whole tiles of four, or of four and six rows.
  const block = drafts.options.tile === "6x8" ? 4 : 8;
  const parts = Math.ceil(inStep / PART);
  const part = Math.ceil(inStep / parts / 16) * 16;
  const fits = Math.floor(ROWS_BYTES / (FACTORS * part * block)) * block;
  const most = Math.max(24, Math.min(ROWS, fits));
  // Rows are paired as one thread pairs them: sums are the same, to the bit, for any number of threads.
  const [rowsPerPiece] = piecesOf({ threads: 1 }, rows, panels / 2, { ...ADDED, most, block });
  const [, panelsPerPiece] = piecesOf(drafts.options, rows, panels / 2, { ...ADDED, most, block, fixed: rowsPerPiece });
  const half = rowsPerPiece / 2;
  const depth = part / 2;
  const factors = FACTORS * planeBytes(blockRows(half), depth);
  const kept = KEPT_STEP + 3 * keptBytes(half);
  drafts.needScratch(halfPointerBytes(half) + factors + sumsBytes(depth) + kept);
  const ahead = rows <= rowsPerPiece;
  drafts.push(op, strassen.name, {
    words: {
      [Field.kernel]: Kernel.strassen,
      [Field.pieces]: Math.ceil(rows / rowsPerPiece) * Math.ceil(panels / 2 / panelsPerPiece),
      [Field.relu]: op.relu,
      ...drafts.image(op),
      [StrassenField.strideHeight]: op.stride[0],
      [StrassenField.strideWidth]: op.stride[1],
      [StrassenField.depth]: inStep,
      [StrassenField.part]: part,
      [StrassenField.panels]: panels,
      [StrassenField.rowsPerPiece]: rowsPerPiece,
      [StrassenField.panelsPerPiece]: panelsPerPiece,
    },
    areas: drafts.places(op),
    weights: drafts.addWeights(op, { form: panelForm, taps: 1, ahead }),
  });
}
