import { Field, Kernel } from "../../../assembly/shared/record.js";
import {
  FACTORS,
  halfPointerBytes,
  KEPT_STEP,
  LINE,
  PART,
  planeBytes,
  pointerBytes,
  TOGETHER,
} from "../../../assembly/shared/sizes.js";
import { opMacs } from "../../graph/macs.js";
import type { ConvOp, LinearOp } from "../../graph/network.js";
import { paddedChannels } from "../../graph/tensor.js";
import type { Drafts, Layout } from "../program/drafts.js";

/** Input rows of a piece should stay in a core's second-level cache: the more of them, the less often weights are read. */
const CONV_ROWS_BYTES = 512 * 1024;
/** First factors of a piece of Strassen's products, and its rows: the more, the less often weights are added up. */
const STRASSEN_ROWS_BYTES = 2560 * 1024;
const STRASSEN_ROWS = 1024;

/**
 * With so many rows weights are asked for ahead (assembly/gemm/ahead.ts): of fewer, nothing takes as long as memory. Where rows are in
 * several pieces, lines would go from one core to another, and weights are in the second cache but for the first piece. Panels must
 * be whole lines.
 */
const AHEAD_ROWS = 24;

/** To gather a row takes as long as to multiply it with 1.5 panels; to fetch a panel, as to multiply it with 2 rows. */
const GATHERED = { block: 4, rowPanels: 1.5, panelRows: 2 };
/** The same of sums of Strassen's factors, in panels of one half. */
const ADDED = { rowPanels: 1, panelRows: 6 };

/** `columns`: kernel columns that lie within one tap's depth. */
export function direct(
  drafts: Drafts,
  op: ConvOp,
  from: Layout,
  kernel: readonly [number, number],
  depth: number,
  columns: number,
  [top, left]: readonly number[] = [0, 0],
): void {
  const output = drafts.shape(op.output);
  const [outChannels] = op.weight.shape as [number];
  const groupOut = op.groups === 1 ? paddedChannels(outChannels) : outChannels / op.groups;
  const groupPanels = Math.ceil(groupOut / 8);
  const panels = groupPanels * op.groups;
  const taps = kernel[0] * kernel[1];
  const rows = output.height * output.width;
  const most = Math.max(8, Math.floor(CONV_ROWS_BYTES / (16 * taps * depth)) * 4);
  const { rowsPerTile, panelsPerTile } = pieces(drafts.options, rows, panels, { ...GATHERED, most });
  // Each pointer's row may be gathered.
  drafts.needScratch(pointerBytes(rowsPerTile, taps) * (1 + depth));
  const weights = drafts.addWeights(
    op.weight,
    op.bias,
    "panels",
    depth / columns,
    taps * columns,
    op.groups,
    groupOut,
    panels * taps * depth * 32,
    rows >= AHEAD_ROWS && rows <= rowsPerTile && (taps * depth) % 2 === 0,
  );
  drafts.push({
    step: drafts.step(op, "f32_conv", opMacs(op, output)),
    words: {
      [Field.kernel]: Kernel.conv,
      [Field.tiles]: Math.ceil(rows / rowsPerTile) * Math.ceil(panels / panelsPerTile),
      [Field.relu]: op.relu ? 1 : 0,
      [Field.inHeight]: from.height,
      [Field.inWidth]: from.width,
      [Field.inStep]: from.step,
      [Field.outHeight]: output.height,
      [Field.outWidth]: output.width,
      [Field.outStep]: paddedChannels(output.channels),
      [Field.kernelHeight]: kernel[0],
      [Field.kernelWidth]: kernel[1],
      [Field.strideHeight]: op.stride[0],
      [Field.strideWidth]: op.stride[1],
      [Field.padHeight]: top,
      [Field.padWidth]: left,
      [Field.dilationHeight]: op.dilation[0],
      [Field.dilationWidth]: op.dilation[1],
      [Field.depth]: depth,
      [Field.groupOut]: groupOut,
      [Field.panels]: panels,
      [Field.groupPanels]: groupPanels,
      [Field.rowsPerTile]: rowsPerTile,
      [Field.panelsPerTile]: panelsPerTile,
    },
    input: from.area,
    output: drafts.areaOf[op.output]!,
    residual: drafts.residual(op),
    weights,
  });
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
  direct(drafts, conv, { height: 1, width: 1, step, area: drafts.read(op, op.inputs[0]) }, [1, 1], step, 1);
}

export function strassen(drafts: Drafts, op: ConvOp): void {
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const inStep = paddedChannels(input.channels);
  const outStep = paddedChannels(output.channels);
  const panels = outStep / 8;
  const rows = output.height * output.width;
  // Both halves consist of whole tiles of four, or of four and six rows.
  const block = drafts.options.tile === "6x8" ? 4 : 8;
  const parts = Math.ceil(inStep / PART);
  const part = Math.ceil(inStep / parts / 16) * 16;
  const fits = Math.floor(STRASSEN_ROWS_BYTES / (7 * part * block)) * block;
  const most = Math.max(24, Math.min(STRASSEN_ROWS, fits));
  // Rows are paired as one thread pairs them: sums are the same, to the bit, for any number of threads.
  const { rowsPerTile } = pieces({ threads: 1 }, rows, panels / 2, { ...ADDED, most, block });
  const { panelsPerTile } = pieces(drafts.options, rows, panels / 2, { ...ADDED, most, block, rowsPerTile });
  const half = rowsPerTile / 2;
  const depth = part / 2;
  const factors = FACTORS * planeBytes(half + 3, depth);
  const sums = 4 * TOGETHER * depth * 32;
  const kept = KEPT_STEP + 3 * (KEPT_STEP * (half + 3) + LINE);
  drafts.needScratch(halfPointerBytes(half) + factors + sums + kept);
  const weights = drafts.addWeights(
    op.weight,
    op.bias,
    "panels",
    inStep,
    1,
    1,
    outStep,
    4 * inStep * outStep,
    rows <= rowsPerTile,
  );
  drafts.push({
    step: drafts.step(op, "f32_conv1x1_strassen", opMacs(op, output)),
    words: {
      [Field.kernel]: Kernel.strassen,
      [Field.tiles]: Math.ceil(rows / rowsPerTile) * Math.ceil(panels / 2 / panelsPerTile),
      [Field.relu]: op.relu ? 1 : 0,
      ...drafts.image(op),
      [Field.strideHeight]: op.stride[0],
      [Field.strideWidth]: op.stride[1],
      [Field.depth]: inStep,
      [Field.panels]: panels,
      [Field.rowsPerTile]: rowsPerTile,
      [Field.panelsPerTile]: panelsPerTile,
    },
    ...drafts.places(op),
    weights,
  });
}

/** How rows and panels of a product are parted. */
interface Parts {
  /** A piece has at most so many rows, and a multiple of `block` but for the last one. */
  readonly most: number;
  readonly block: number;
  /** Rows of a piece, where they are not open. */
  readonly rowsPerTile?: number;
  /** What a row takes once for all panels of its piece, in panels; and a panel once for all rows, in rows. */
  readonly rowPanels: number;
  readonly panelRows: number;
}

/** Rows and panels of a piece: what threads are done with first, where all are as fast. One alone takes all panels at once. */
function pieces(
  { threads }: { readonly threads: number },
  rows: number,
  panels: number,
  { most, block, rowsPerTile: fixed, rowPanels, panelRows }: Parts,
): { rowsPerTile: number; panelsPerTile: number } {
  const whole = (count: number) => Math.ceil(count / block) * block;
  const least = Math.ceil(rows / most);
  let best = { rowsPerTile: 0, panelsPerTile: panels, time: Number.POSITIVE_INFINITY };
  for (let down = least; down < least + (fixed ? 1 : 4 * threads - 3); down++) {
    const rowsPerTile = fixed ?? Math.min(most, whole(Math.ceil(rows / down)));
    for (let across = 1; across <= Math.min(panels, 4 * threads - 3); across++) {
      const panelsPerTile = Math.ceil(panels / across);
      const cost = (count: number) => whole(count) * (panelsPerTile + rowPanels) + panelRows * panelsPerTile;
      const full = Math.floor(rows / rowsPerTile) * across;
      const rest = rows % rowsPerTile ? across : 0;
      const idle = (threads - (full % threads)) % threads;
      const time =
        Math.ceil(full / threads) * cost(rowsPerTile) +
        Math.ceil(Math.max(0, rest - idle) / threads) * cost(rows % rowsPerTile) +
        (threads > 1 ? cost(rowsPerTile) / 8 : 0);
      if (time < best.time) best = { rowsPerTile, panelsPerTile, time };
    }
  }
  return best;
}

/** Groups whose channels end on whole vectors can be stored side by side; others would leave the padding lanes unwritten. */
export function widthsFit(op: ConvOp, inChannels: number, outChannels: number): boolean {
  return outChannels % 4 === 0 && inChannels % op.groups === 0 && outChannels % op.groups === 0;
}
