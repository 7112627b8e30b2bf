import { IntegerWinogradField, WinogradField } from "../../../assembly/shared/record.js";
import {
  FILTERED_CHANNELS,
  FILTERED_SLICE,
  FILTERED_SUMS,
  filteredFilterPlane,
  filteredInputPlane,
  filteredProductPlane,
  POINTS,
} from "../../../assembly/shared/sizes.js";
import type { ConvOp, ValueShape } from "../../graph/network.js";
import { paddedIntegers } from "../../graph/tensor.js";
import { groupsOf, PIECES_PER_THREAD } from "../kernels/group.js";
import { geometry } from "../kernels/kernel.js";
import { gridOf } from "../kernels/winograd-grid.js";
import type { Drafts, Words } from "../program/drafts.js";

/** V of a group of tiles should stay in a core's second-level cache, or not be far beyond it. */
const INPUT_BYTES = 512 * 1024;
/**
 * What the transforms take, in multiply-adds of the product: of a pair of channels of a panel's filters, of a pair of channels of
 * a tile's input, and of a tile's output of one panel.
 */
const COSTS = { filter: 1200, input: 330, output: 3200 };

/** How an image's tiles are shared out, and how many channels are summed before the output's transform. */
interface Split {
  readonly tilesPerGroup: number;
  readonly groups: number;
  readonly panelsPerPiece: number;
  readonly chunk: number;
  readonly chunks: number;
}

function splitOf(drafts: Drafts, op: ConvOp): Split {
  const depth = paddedIntegers(drafts.shape(op.inputs[0]).channels);
  const panels = paddedIntegers(op.weight.shape[0]!) / 8;
  const [tilesHigh, tilesWide] = gridOf(drafts.shape(op.output), 4);
  const { threads } = drafts.options;
  const most = Math.max(4, Math.floor(INPUT_BYTES / (2 * POINTS * depth)) & ~3);
  const inFours = (rows: number) => Math.ceil(rows / 4) * 4 + COSTS.filter / (8 * POINTS);
  const { size, count } = groupsOf(tilesHigh * tilesWide, 12, most, threads, inFours);
  const pieces = threads > 1 ? Math.min(panels, Math.ceil((PIECES_PER_THREAD * threads) / count)) : 1;
  const isWhole = drafts.shape(op.inputs[0]).quantization!.type === "u8";
  const chunks = Math.ceil(depth / (isWhole ? FILTERED_CHANNELS / 2 : FILTERED_CHANNELS));
  return {
    tilesPerGroup: size,
    groups: count,
    panelsPerPiece: Math.ceil(panels / pieces),
    chunk: Math.ceil(depth / chunks / 16) * 16,
    chunks,
  };
}

/** Whether minimal filtering can compute a convolution, and would be done before the direct kernel. */
export function isWorthFiltering(drafts: Drafts, op: ConvOp): boolean {
  if (geometry(op, drafts.network) !== "value,3,3,1,1,1,1,1") return false;
  const { filtering } = drafts.options.integers!;
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const pairs = paddedIntegers(input.channels) / 2;
  const panels = paddedIntegers(output.channels) / 8;
  const [tilesHigh, tilesWide] = gridOf(output, 4);
  const tiles = tilesHigh * tilesWide;
  const { groups, chunks } = splitOf(drafts, op);
  const product = 16 * POINTS * Math.ceil(tiles / 4) * 4 * pairs * panels;
  const transforms =
    COSTS.filter * pairs * panels * groups + COSTS.input * pairs * tiles + COSTS.output * tiles * panels * chunks;
  return (product + transforms) * filtering < 16 * 9 * output.height * output.width * pairs * panels;
}

/** The record's pieces and words, with the scratch that it needs. */
export function filtering(drafts: Drafts, op: ConvOp): { pieces: number; words: Words } {
  const output: ValueShape = drafts.shape(op.output);
  const depth = paddedIntegers(drafts.shape(op.inputs[0]).channels);
  const panels = paddedIntegers(output.channels) / 8;
  const [tilesHigh, tilesWide] = gridOf(output, 4);
  const { tilesPerGroup, groups, panelsPerPiece, chunk } = splitOf(drafts, op);
  const rows = Math.ceil(Math.max(tilesPerGroup, tilesHigh * tilesWide - tilesPerGroup * (groups - 1)) / 4) * 4;
  const planes = filteredInputPlane(rows, depth) + filteredFilterPlane(chunk) + filteredProductPlane(rows);
  drafts.needScratch(2 * POINTS * FILTERED_SLICE + POINTS * planes + rows * FILTERED_SUMS);
  const words: Words = {
    [WinogradField.padHeight]: op.padding[0],
    [WinogradField.padWidth]: op.padding[1],
    [WinogradField.tilesWide]: tilesWide,
    [WinogradField.tilesHigh]: tilesHigh,
    [WinogradField.tilesPerGroup]: tilesPerGroup,
    [WinogradField.panels]: panels,
    [WinogradField.panelsPerPiece]: panelsPerPiece,
    [IntegerWinogradField.chunk]: chunk,
  };
  return { pieces: groups * Math.ceil(panels / panelsPerPiece), words };
}
