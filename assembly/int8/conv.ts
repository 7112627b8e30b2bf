import { writePointers } from "../conv/conv";
import { paddedRows, sixes } from "../gemm/multiply";
import { ConvField, Field, IntegerConvField, Tile } from "../shared/record";
import { outlierBytes, pointerBytes } from "../shared/sizes";
import { residualOf } from "../gemm/store";
import { holds } from "../base/held";
import { word } from "../base/words";
import { gatherWide, widen } from "./gather";
import { leastOfIntegers } from "./store";
import { halveRows, multiplyHalves } from "./strassen";
import {
  qs8_gemm16_4x8,
  qs8_igemm_4x16,
  qs8_igemm_4x8,
  qs8_igemm_4x8_quads,
  qs8_igemm_6x16,
  qs8_igemm_6x8,
} from "./tiles";

/**
 * int8 direct convolution of any size, stride, padding, dilation and group count, as an implicit GEMM over a table of pointers, as
 * `f32_conv`. Input and output NHWC, bytes; a pixel's channels are whole vectors. A record's `inStep`, `depth` and `outStep` count
 * words of four bytes.
 *
 * Weights are in panels of eight output channels: [group][panel][tap][depth][8][4] for the tiles of bytes, and [group][panel][tap]
 * [2 depth][8][2] for `qs8_wide` and `qs8_strassen`. `bias` leads to each panel's eight scales and eight biases, in units of the
 * output's step; for `qs8_4x8`, each panel's outliers are behind them.
 */
export function qs8_conv(record: usize, piece: i32, scratch: usize): void {
  const panels = word(record, ConvField.panels);
  const panelsPerPiece = word(record, ConvField.panelsPerPiece);
  const columnsOfPieces = (panels + panelsPerPiece - 1) / panelsPerPiece;
  const rowsPerPiece = word(record, ConvField.rowsPerPiece);
  const pixels = word(record, Field.outHeight) * word(record, Field.outWidth);
  const firstPixel = (piece / columnsOfPieces) * rowsPerPiece;
  const lastPixel = min(firstPixel + rowsPerPiece, pixels);
  const firstPanel = (piece % columnsOfPieces) * panelsPerPiece;
  const lastPanel = min(firstPanel + panelsPerPiece, panels);
  const taps = word(record, ConvField.kernelHeight) * word(record, ConvField.kernelWidth);
  const held = holds(firstPixel);
  if (!held) writePointers(record, firstPixel, lastPixel, taps, scratch);

  const tile = word(record, Field.tile);
  const depth = word(record, ConvField.depth);
  const groupOut = word(record, ConvField.groupOut);
  const groupPanels = word(record, ConvField.groupPanels);
  const step = <usize>word(record, Field.outStep) << 2;
  const output = <usize>word(record, Field.output) + <usize>firstPixel * step;
  const rows = lastPixel - firstPixel;
  const work = scratch + pointerBytes(rows, taps);
  const panelBytes = <usize>(taps * depth) << 5;
  const residual = residualOf(record);
  const factor = reinterpret<f32>(word(record, IntegerConvField.factor));
  const least = leastOfIntegers(record);

  const blocks = sixes(tile, rows);
  const six = min(rows, 6 * blocks);
  const after = scratch + (<usize>(6 * blocks * taps) << 2);
  const below = <usize>six * step;
  const widened = work + (<usize>(paddedRows(tile, rows) * taps * depth) << 3);
  const halves = !ASC_FEATURE_RELAXED_SIMD && tile == Tile.qs8_strassen;
  const wide = !ASC_FEATURE_RELAXED_SIMD || tile == Tile.qs8_wide;

  let gathered = held && groupPanels == panels ? 0 : -1;
  for (let panel = firstPanel; panel < lastPanel; ) {
    const group = panel / groupPanels;
    const within = (panel - group * groupPanels) << 3;
    const offset = <usize>(group * depth) << 2;
    const b = <usize>word(record, Field.weights) + <usize>panel * panelBytes;
    const scales = <usize>word(record, Field.bias) + (<usize>panel << 6);
    const c = output + <usize>(group * groupOut + within);
    const columns = groupOut - within;
    const pair = ASC_FEATURE_RELAXED_SIMD && tile == Tile.qs8_6x16 && panel + 1 < min(lastPanel, (group + 1) * groupPanels);
    if (halves) {
      if (group != gathered) halveRows(scratch, rows, taps, depth << 2, work);
      gathered = group;
      multiplyHalves(work, rows, taps, depth << 2, b, scales, c, step, residual, factor, least);
    } else if (wide) {
      if (group != gathered) gatherWide(scratch, paddedRows(tile, rows) >> 2, taps, depth << 2, offset, work);
      gathered = group;
      widen(b, <i32>panelBytes, widened);
      qs8_gemm16_4x8(work, (taps * depth) << 1, widened, scales, c, step, rows, columns, residual, factor, least);
    } else if (pair) {
      qs8_igemm_6x16(scratch, taps, depth, offset, b, panelBytes, scales, c, step, six, columns, residual, factor, least);
      qs8_igemm_4x16(after, taps, depth, offset, b, panelBytes, scales, c + below, step, rows - six, columns, residual, factor, least);
    } else if (ASC_FEATURE_RELAXED_SIMD && tile == Tile.qs8_4x8) {
      const outliers =
        <usize>word(record, Field.bias) + (<usize>panels << 6) + <usize>(panel * outlierBytes(taps * depth));
      qs8_igemm_4x8_quads(scratch, taps, depth, offset, b, outliers, scales, c, step, rows, columns, residual, factor, least);
    } else if (ASC_FEATURE_RELAXED_SIMD) {
      qs8_igemm_6x8(scratch, taps, depth, offset, b, scales, c, step, six, columns, residual, factor, least);
      qs8_igemm_4x8(after, taps, depth, offset, b, scales, c + below, step, rows - six, columns, residual, factor, least);
    }
    panel += pair || halves ? 2 : 1;
  }
}
