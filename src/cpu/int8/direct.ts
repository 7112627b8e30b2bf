import { ConvField, Field, Tile } from "../../../assembly/shared/record.js";
import { pointerBytes } from "../../../assembly/shared/sizes.js";
import type { ConvOp } from "../../graph/network.js";
import { paddedIntegers } from "../../graph/tensor.js";
import { piecesOf } from "../kernels/pieces.js";
import type { Drafts, Words } from "../program/drafts.js";
import { halvesBytes, halvesTime, mostHalvedRows } from "./strassen.js";

/** Input rows of a piece should stay in a core's second-level cache. */
const ROWS_BYTES = 256 * 1024;
/** To gather a row takes as long as to multiply it with so many panels; to fetch a panel, as to multiply it with so many rows. */
const COSTS = { block: 4, rowPanels: 1, panelRows: 2, held: true };

/** A direct convolution's matrices, and how their product is computed. */
export interface Direct {
  /** Input channels of a group with padding, and taps. */
  readonly depth: number;
  readonly taps: number;
  /** Output channels of a group, with padding where there is one group. */
  readonly groupOut: number;
  readonly tile: Tile;
  readonly pieces: number;
  /** Bytes of a piece's scratch. */
  readonly scratch: number;
  /** Of the record: the tile, and the matrices with their pieces. */
  readonly words: Words;
  /** The time that it takes, in that of one product of each two factors. */
  readonly time: number;
}

export function directOf(drafts: Drafts, op: ConvOp): Direct {
  const { options } = drafts;
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const [out, groupDepth] = op.weight.shape as [number, number];
  const depth = op.groups === 1 ? paddedIntegers(input.channels) : groupDepth;
  const groupOut = op.groups === 1 ? paddedIntegers(out) : out / op.groups;
  const groupPanels = Math.ceil(groupOut / 8);
  const panels = groupPanels * op.groups;
  const taps = op.kernel[0] * op.kernel[1];
  const rows = output.height * output.width;
  const rowBytes = taps * depth;
  const parted = (tile: Tile, rowsPerPiece: number, panelsPerPiece: number, scratch: number, time: number): Direct => ({
    ...{ depth, taps, groupOut, tile, time },
    pieces: Math.ceil(rows / rowsPerPiece) * Math.ceil(panels / panelsPerPiece),
    scratch: pointerBytes(rowsPerPiece + 8, taps) + scratch,
    words: {
      [Field.tile]: tile,
      [ConvField.depth]: depth / 4,
      [ConvField.groupOut]: groupOut,
      [ConvField.panels]: panels,
      [ConvField.groupPanels]: groupPanels,
      [ConvField.rowsPerPiece]: rowsPerPiece,
      [ConvField.panelsPerPiece]: panelsPerPiece,
    },
  });

  // The dot product of bytes takes 0..127 alone.
  const tile = input.quantization!.type === "u8" ? Tile.qs8_wide : options.integers!.tile;
  const isWide = tile === Tile.qs8_wide;
  const most = Math.max(12, Math.round(ROWS_BYTES / rowBytes / 12) * 12);
  const [rowsPerPiece, panelsPerPiece] = piecesOf(options, rows, panels, { ...COSTS, most });
  if (isWide && op.groups === 1 && options.memory === "fast") {
    // The count of panels is even.
    const [size, pairs] = piecesOf(options, rows, panels / 2, { ...COSTS, block: 8, most: mostHalvedRows(rowBytes) });
    // Pieces but the last have whole blocks.
    const wholeTime = (4 * Math.ceil(rows / 4) + COSTS.panelRows * Math.ceil(rows / rowsPerPiece)) * rowBytes;
    const time = (options.integers!.halving * halvesTime(rows, size, rowBytes)) / wholeTime;
    if (time < 1) return parted(Tile.qs8_strassen, size, 2 * pairs, halvesBytes(size, rowBytes), time);
  }
  // Rows and a panel, widened to sixteen bits.
  const widened = isWide ? 2 * (4 * Math.ceil(rowsPerPiece / 4) + 8) * rowBytes : 0;
  return parted(tile, rowsPerPiece, panelsPerPiece, widened, 1);
}
