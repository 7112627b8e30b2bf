import { Tile } from "../../../assembly/shared/record.js";
import type { ConvOp } from "../../graph/network.js";
import { paddedIntegers } from "../../graph/tensor.js";
import { piecesOf } from "../kernels/pieces.js";
import type { Drafts } from "../program/drafts.js";
import { halvesBytes, halvesTime, mostHalvedRows } from "./strassen.js";

/** Input rows of a piece should stay in a core's second-level cache. */
const ROWS_BYTES = 256 * 1024;
/** To gather a row takes as long as to multiply it with so many panels; to fetch a panel, as to multiply it with so many rows. */
const COSTS = { block: 4, rowPanels: 1, panelRows: 2, held: true };

/** A direct convolution's matrices, and how its product is computed. */
export interface Direct {
  /** Input channels of a group with padding, and taps. */
  readonly depth: number;
  readonly taps: number;
  /** Output channels of a group, with padding where there is one. */
  readonly groupOut: number;
  readonly groupPanels: number;
  /** Of all groups. */
  readonly panels: number;
  readonly tile: Tile;
  readonly rowsPerPiece: number;
  readonly panelsPerPiece: number;
  /** Bytes of a piece's scratch beside its pointers. */
  readonly scratch: number;
  /** The time that it takes, in that of one product of each two factors. */
  readonly time: number;
}

export function directOf(drafts: Drafts, op: ConvOp): Direct {
  const input = drafts.shape(op.inputs[0]);
  const output = drafts.shape(op.output);
  const [out, groupDepth] = op.weight.shape as [number, number];
  const depth = op.groups === 1 ? paddedIntegers(input.channels) : groupDepth;
  const groupOut = op.groups === 1 ? paddedIntegers(out) : out / op.groups;
  const groupPanels = Math.ceil(groupOut / 8);
  const panels = groupPanels * op.groups;
  const taps = op.kernel[0] * op.kernel[1];
  const matrices = { depth, taps, groupOut, groupPanels, panels };

  const rows = output.height * output.width;
  const rowBytes = taps * depth;
  const { options } = drafts;
  const { tile: usual, halving } = options.integers!;
  // The dot product of bytes takes 0..127 alone.
  const tile = input.quantization!.type === "u8" ? Tile.qs8_wide : usual;
  const most = Math.max(12, Math.round(ROWS_BYTES / rowBytes / 12) * 12);
  const [rowsPerPiece, panelsPerPiece] = piecesOf(options, rows, panels, { ...COSTS, most });
  const whole = { ...matrices, tile, rowsPerPiece, panelsPerPiece, time: 1 };
  if (tile !== Tile.qs8_wide) return { ...whole, scratch: 0 };

  if (op.groups === 1) {
    // The count of panels is even.
    const parts = { ...COSTS, block: 8, most: mostHalvedRows(rowBytes) };
    const [halvedRows, pairs] = piecesOf(options, rows, panels / 2, parts);
    const wholeTime = overPieces(
      rows,
      rowsPerPiece,
      (count) => (4 * Math.ceil(count / 4) + COSTS.panelRows) * rowBytes,
    );
    const time = (halving * overPieces(rows, halvedRows, (count) => halvesTime(count, rowBytes))) / wholeTime;
    const scratch = halvesBytes(halvedRows, rowBytes);
    if (time < 1) {
      return {
        ...matrices,
        tile: Tile.qs8_strassen,
        rowsPerPiece: halvedRows,
        panelsPerPiece: 2 * pairs,
        scratch,
        time,
      };
    }
  }
  // Rows and a panel, widened to sixteen bits.
  return { ...whole, scratch: 2 * (4 * Math.ceil(rowsPerPiece / 4) + 8) * rowBytes };
}

/** The sum of what pieces of `size` rows take, and the last one of what is left. */
function overPieces(rows: number, size: number, time: (rows: number) => number): number {
  const left = rows % size;
  return Math.floor(rows / size) * time(size) + (left > 0 ? time(left) : 0);
}
