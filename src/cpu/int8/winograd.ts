import { Field, IntegerWinogradField, Tile, WinogradField } from "../../../assembly/shared/record.js";
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
import { groupsOf } from "../kernels/group.js";
import { geometry } from "../kernels/kernel.js";
import { gridOf } from "../kernels/winograd-grid.js";
import type { Drafts, Words } from "../program/drafts.js";
import { directOf } from "./direct.js";

/** V of a group of tiles should stay in a core's second-level cache, or not be far beyond it. */
const INPUT_BYTES = 512 * 1024;
/**
 * What the transforms take, in multiply-adds of the product: of a pair of channels of a panel's filters, of a pair of channels of
 * a tile's input, and of a tile's output of one panel.
 */
const COSTS = { filter: 1200, input: 330, output: 3200 };
/** Where vectors are fused, products gain more by it than transforms do. */
const FUSED_COSTS = 2.5;

/** An image's tiles and panels as they are shared out, and how many channels are summed before the output's transform. */
export interface Filtering {
  readonly tilesHigh: number;
  readonly tilesWide: number;
  readonly tilesPerGroup: number;
  readonly groups: number;
  /** Input channels, with padding. */
  readonly depth: number;
  readonly panels: number;
  readonly panelsPerPiece: number;
  /** Panels that are multiplied at a time. */
  readonly together: number;
  readonly chunk: number;
  readonly chunks: number;
}

/** How minimal filtering would compute a convolution; null where it cannot, or the direct kernel would be done before it. */
export function filteringOf(drafts: Drafts, op: ConvOp): Filtering | null {
  if (geometry(op, drafts.network) !== "value,3,3,1,1,1,1,1") return null;
  const it = share(drafts, op);
  const direct = directTime(it, drafts.shape(op.output)) * directOf(drafts, op).time;
  return timeOf(it) * drafts.options.integers!.filtering < direct ? it : null;
}

function share(drafts: Drafts, op: ConvOp): Filtering {
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const depth = paddedIntegers(input.channels);
  const panels = paddedIntegers(output.channels) / 8;
  const [tilesHigh, tilesWide] = gridOf(output, 4);
  const { threads, integers } = drafts.options;
  const together = integers!.pairs ? 2 : 1;
  const most = Math.max(4, Math.floor(INPUT_BYTES / (2 * POINTS * depth)) & ~3);
  const inFours = (rows: number) => Math.ceil(rows / 4) * 4 + COSTS.filter / (8 * POINTS);
  const groupsFor = (sharing: number) => groupsOf(tilesHigh * tilesWide, 12, most, sharing, inFours);
  // A thread keeps V from piece to piece, and filters are made for each group: one thread's groups do where panels are enough for all.
  const whole = groupsFor(1);
  const { size, count } = 4 * threads > whole.count * panels ? groupsFor(threads) : whole;
  const pieces = threads > 1 ? Math.min(panels, Math.ceil((8 * threads) / count)) : 1;
  const summed = input.quantization!.type === "u8" ? FILTERED_CHANNELS / 2 : FILTERED_CHANNELS;
  const chunks = Math.ceil(depth / summed);
  return {
    ...{ tilesHigh, tilesWide, tilesPerGroup: size, groups: count },
    // The count of panels is even.
    ...{ depth, panels, panelsPerPiece: together * Math.ceil(panels / together / pieces), together },
    ...{ chunk: Math.ceil(depth / chunks / 16) * 16, chunks },
  };
}

/** In multiply-adds of the product. */
function timeOf({ tilesHigh, tilesWide, depth, panels, groups, chunks, together }: Filtering): number {
  const tiles = tilesHigh * tilesWide;
  const pairs = depth / 2;
  const product = 16 * POINTS * Math.ceil(tiles / 4) * 4 * pairs * panels;
  const transforms =
    COSTS.filter * pairs * panels * groups + COSTS.input * pairs * tiles + COSTS.output * tiles * panels * chunks;
  return product + transforms * (together > 1 ? FUSED_COSTS : 1);
}

/** Of one product of each two factors, in its own multiply-adds. */
const directTime = ({ depth, panels }: Filtering, { height, width }: ValueShape) =>
  8 * 9 * height * width * depth * panels;

/** The record's pieces and words, with the scratch that it needs. */
export function filteringWords(drafts: Drafts, op: ConvOp, it: Filtering): { pieces: number; words: Words } {
  const { tilesHigh, tilesWide, tilesPerGroup, groups, depth, panels, panelsPerPiece, together, chunk } = it;
  // The last group has what is left, which may be more; rows fill a block.
  const most = Math.max(tilesPerGroup, tilesHigh * tilesWide - tilesPerGroup * (groups - 1));
  const rows = Math.ceil(most / 4) * 4;
  const planes = filteredInputPlane(rows, depth) + together * (filteredFilterPlane(chunk) + filteredProductPlane(rows));
  drafts.needScratch(2 * POINTS * FILTERED_SLICE + POINTS * planes + together * rows * FILTERED_SUMS);
  const words: Words = {
    [Field.tile]: together > 1 ? Tile.i16_4x16 : Tile.i16_4x8,
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
