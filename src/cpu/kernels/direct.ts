import { ConvField, Field, Kernel } from "../../../assembly/shared/record.js";
import { pointerBytes } from "../../../assembly/shared/sizes.js";
import type { ConvOp, LinearOp } from "../../graph/network.js";
import { paddedChannels } from "../../graph/tensor.js";
import { panelForm } from "../pack/panels.js";
import type { Drafts, Layout } from "../program/drafts.js";
import { densify } from "./densify.js";
import type { ConvKernel } from "./kernel.js";
import { piecesOf } from "./pieces.js";

/** Input rows of a piece should stay in a core's second-level cache: the more of them, the less often weights are read. */
const ROWS_BYTES = 512 * 1024;

/**
 * With so many rows weights are asked for ahead (assembly/gemm/ahead.ts): of fewer, nothing takes as long as memory. Where rows are in
 * several pieces, lines would go from one core to another, and weights are in the second cache but for the first piece. Panels must
 * be whole lines.
 */
const AHEAD_ROWS = 24;

/** To gather a row takes as long as to multiply it with 1.5 panels; to fetch a panel, as to multiply it with 2 rows. */
const GATHERED = { block: 4, rowPanels: 1.5, panelRows: 2 };

/** An implicit GEMM by pointers to input pixels (Dukhan 2019): any convolution. */
export const direct: ConvKernel = {
  name: "f32_conv",
  fits: () => true,
  lower(drafts, op) {
    if (op.inputs[0] === drafts.network.input) {
      lowerOnImage(drafts, op);
      return;
    }
    const input = drafts.shape(op.inputs[0]);
    const step = paddedChannels(input.channels);
    const dense = widthsFit(op, input.channels, drafts.shape(op.output).channels) ? op : densify(op);
    const depth = dense.groups === 1 ? step : input.channels / op.groups;
    lowerRows(drafts, dense, { ...input, step, area: drafts.read(op, op.inputs[0]) }, op.kernel, depth, 1, op.padding);
  },
};

/**
 * The first convolution reads the caller's planes: they are interleaved into rows with a border of zeros, so that the
 * taps of one kernel row are contiguous and three channels need no padding to four.
 */
function lowerOnImage(drafts: Drafts, op: ConvOp): void {
  const input = drafts.shape(op.inputs[0]);
  const rowsTogether = op.dilation[1] === 1;
  const step = rowsTogether ? input.channels : paddedChannels(input.channels);
  const rows = drafts.interleave(op, op.padding, step);
  const dense = densify(op);
  if (rowsTogether) lowerRows(drafts, dense, rows, [op.kernel[0], 1], step * op.kernel[1], op.kernel[1]);
  else lowerRows(drafts, dense, rows, op.kernel, step, 1);
}

export function lowerLinear(drafts: Drafts, op: LinearOp): void {
  const input = drafts.shape(op.inputs[0]);
  const [outChannels] = op.weight.shape as [number];
  const conv: ConvOp = {
    ...op,
    kind: "conv",
    kernel: [1, 1],
    stride: [1, 1],
    padding: [0, 0, 0, 0],
    dilation: [1, 1],
    groups: 1,
    weight: { ...op.weight, shape: [outChannels, input.channels, 1, 1] },
  };
  const step = paddedChannels(input.channels);
  lowerRows(drafts, conv, { height: 1, width: 1, step, area: drafts.read(op, op.inputs[0]) }, [1, 1], step, 1);
}

/** `columns`: kernel columns that lie within one tap's depth. */
function lowerRows(
  drafts: Drafts,
  op: ConvOp,
  from: Layout,
  kernel: readonly [number, number],
  depth: number,
  columns: number,
  [top, left]: readonly [number, number, ...number[]] = [0, 0],
): void {
  const output = drafts.shape(op.output);
  const [outChannels] = op.weight.shape as [number];
  const groupOut = op.groups === 1 ? paddedChannels(outChannels) : outChannels / op.groups;
  const groupPanels = Math.ceil(groupOut / 8);
  const panels = groupPanels * op.groups;
  const taps = kernel[0] * kernel[1];
  const rows = output.height * output.width;
  const most = Math.max(8, Math.floor(ROWS_BYTES / (16 * taps * depth)) * 4);
  const [rowsPerPiece, panelsPerPiece] = piecesOf(drafts.options, rows, panels, { ...GATHERED, most });
  // Each pointer's row may be gathered.
  drafts.needScratch(pointerBytes(rowsPerPiece, taps) * (1 + depth));
  drafts.push(op, direct.name, {
    words: {
      ...drafts.image(op),
      [Field.kernel]: Kernel.conv,
      [Field.pieces]: Math.ceil(rows / rowsPerPiece) * Math.ceil(panels / panelsPerPiece),
      [Field.relu]: op.relu,
      [Field.inHeight]: from.height,
      [Field.inWidth]: from.width,
      [Field.inStep]: from.step,
      [ConvField.kernelHeight]: kernel[0],
      [ConvField.kernelWidth]: kernel[1],
      [ConvField.strideHeight]: op.stride[0],
      [ConvField.strideWidth]: op.stride[1],
      [ConvField.padHeight]: top,
      [ConvField.padWidth]: left,
      [ConvField.dilationHeight]: op.dilation[0],
      [ConvField.dilationWidth]: op.dilation[1],
      [ConvField.depth]: depth,
      [ConvField.groupOut]: groupOut,
      [ConvField.panels]: panels,
      [ConvField.groupPanels]: groupPanels,
      [ConvField.rowsPerPiece]: rowsPerPiece,
      [ConvField.panelsPerPiece]: panelsPerPiece,
    },
    areas: drafts.places(op, from.area),
    weights: drafts.addWeights(op, {
      form: panelForm,
      depth: depth / columns,
      taps: taps * columns,
      groups: op.groups,
      groupOut,
      ahead: rows >= AHEAD_ROWS && rows <= rowsPerPiece && (taps * depth) % 2 === 0,
    }),
  });
}

/** Groups whose channels end on whole vectors can be stored side by side; others would leave the padding lanes unwritten. */
function widthsFit(op: ConvOp, inChannels: number, outChannels: number): boolean {
  return outChannels % 4 === 0 && inChannels % op.groups === 0 && outChannels % op.groups === 0;
}
