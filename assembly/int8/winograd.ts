import { Field, IntegerWinogradField, Tile, WinogradField } from "../shared/record";
import { FILTERED_SLICE, FILTERED_SUMS, filteredFilterPlane, filteredInputPlane, filteredProductPlane, POINTS } from "../shared/sizes";
import { residualOf } from "../gemm/store";
import { holds } from "../base/held";
import { word } from "../base/words";
import { leastOfIntegers } from "./store";
import { i16_gemm_4x16, i16_gemm_4x8 } from "./tiles";
import { qs8_winograd_filters } from "./winograd-filters";
import { qs8_winograd_input } from "./winograd-input";
import { qs8_winograd_output } from "./winograd-output";

/**
 * int8 3x3 convolution with a stride of 1 by F(4x4,3x3), a quarter of the multiplications, in whole numbers: its sums are those of
 * `qs8_conv`, to the bit. Values grow to sixteen bits, products are summed modulo 2^32, and what the filters' scale left is divided out
 * at the end (winograd-output.ts).
 *
 * Input and output NHWC, bytes; a pixel's channels are whole vectors. Weights are in panels of eight output channels, [panel][tap][pair]
 * [8][2]: filters are made as they are needed. `bias` leads to each panel's eight scales and eight biases. One piece of work is a group of
 * tiles by `panelsPerPiece` panels.
 */
export function qs8_conv3x3_winograd4(record: usize, piece: i32, scratch: usize): void {
  const panels = word(record, WinogradField.panels);
  const perPiece = word(record, WinogradField.panelsPerPiece);
  const columnsOfPieces = (panels + perPiece - 1) / perPiece;
  const perGroup = word(record, WinogradField.tilesPerGroup);
  const tiles = word(record, WinogradField.tilesWide) * word(record, WinogradField.tilesHigh);
  const group = piece / columnsOfPieces;
  const first = group * perGroup;
  // The last group has what is left, which may be more.
  const count = (group + 1) * columnsOfPieces < word(record, Field.pieces) ? perGroup : tiles - first;
  const firstPanel = (piece % columnsOfPieces) * perPiece;
  const lastPanel = min(firstPanel + perPiece, panels);

  const channels = word(record, Field.inStep) << 2;
  const chunk = word(record, IntegerWinogradField.chunk);
  // With rows that only fill a block.
  const rows = (count + 3) & ~3;
  const inPlane: usize = filteredInputPlane(rows, channels);
  const filterPlane: usize = filteredFilterPlane(chunk);
  const productPlane: usize = filteredProductPlane(rows);
  const work = scratch;
  const v = work + <usize>(POINTS * FILTERED_SLICE * 2);
  const together = word(record, Field.tile) == Tile.i16_4x16 ? 2 : 1;
  // Of two panels the second one's lie behind those of the first.
  const u = v + <usize>POINTS * inPlane;
  const uPanel = <usize>POINTS * filterPlane;
  const m = u + <usize>together * uPanel;
  const mPanel = <usize>POINTS * productPlane;
  const sums = m + <usize>together * mPanel;
  const sumsPanel = <usize>rows * FILTERED_SUMS;
  if (!holds(group)) qs8_winograd_input(record, first, count, v, inPlane, work);

  const residual = residualOf(record);
  const factor = reinterpret<f32>(word(record, IntegerWinogradField.factor));
  const least = leastOfIntegers(record);
  const rowBytes = <usize>channels << 1;
  const tap = <usize>channels << 3;
  for (let panel = firstPanel; panel < lastPanel; panel += together) {
    for (let channel = 0; channel < channels; channel += chunk) {
      const pairs = min(chunk, channels - channel) >> 1;
      for (let next = 0; next < together; next++) {
        const weights = <usize>word(record, Field.weights) + <usize>(panel + next) * 9 * tap + (<usize>channel << 3);
        qs8_winograd_filters(weights, pairs, tap, u + <usize>next * uPanel, filterPlane, work);
      }
      let from = v + (<usize>channel << 1);
      let filter = u;
      let to = m;
      for (let point = 0; point < POINTS; point++) {
        if (together == 2) i16_gemm_4x16(from, rowBytes, pairs, filter, uPanel, mPanel, to, rows);
        else i16_gemm_4x8(from, rowBytes, pairs, filter, to, rows);
        from += inPlane;
        filter += filterPlane;
        to += productPlane;
      }
      for (let next = 0; next < together; next++) {
        qs8_winograd_output(
          record, first, count, m + <usize>next * mPanel, productPlane, sums + <usize>next * sumsPanel,
          channel > 0, channel + chunk >= channels,
          <usize>word(record, Field.bias) + (<usize>(panel + next) << 6),
          <usize>word(record, Field.output) + (<usize>(panel + next) << 3), residual, factor, least, work,
        );
      }
    }
  }
}
