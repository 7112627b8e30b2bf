import { multiply } from "../gemm/multiply";
import { Field, WinogradField } from "../shared/record";
import { leastOf } from "../base/simd";
import { planeBytes, winogradPoints, winogradTableBytes, winogradWorkBytes } from "../shared/sizes";
import { NO_RESIDUAL } from "../gemm/store";
import { firstRow, rowsAt } from "./grid";
import { word } from "../base/words";
import { inputTransform4, outputTransform4 } from "./f4x4";
import { inputTransform2, outputTransform2 } from "./f2x2";

/**
 * f32 3x3 stride-1 convolution by Winograd's minimal filtering (Lavin & Gray 2016, section 4.1), F(4x4,3x3) or F(2x2,3x3).
 *
 * Weights are transformed at load: [point][panel][in channel][8]. The transformed input V is [point][tile][in channel],
 * the products M are [point][tile][out channel]; a point's plane has one cache line more than it needs, so that the
 * planes of a power-of-two size do not fall into the same cache sets.
 */

/** Winograd tiles of a group: the last one has what is left. */
export function tilesOf(record: usize, group: i32): i32 {
  const size = word(record, WinogradField.tilesPerGroup);
  if (group + 1 < word(record, Field.pieces)) return size;
  return word(record, WinogradField.tilesWide) * word(record, WinogradField.tilesHigh) - group * size;
}

/** The three phases for one group of tiles, in this thread's scratch: pointer table, V, M. */
export function f32_winograd(record: usize, group: i32, scratch: usize): void {
  const first = group * word(record, WinogradField.tilesPerGroup);
  const count = tilesOf(record, group);
  const inStep = word(record, Field.inStep);
  const outStep = word(record, Field.outStep);
  const points = winogradPoints(word(record, WinogradField.outputTile));
  const vPlane: usize = planeBytes(count, inStep);
  const mPlane: usize = planeBytes(count, outStep);
  const v = scratch + winogradWorkBytes(count, inStep);
  const m = v + vPlane * <usize>points;
  transformInput(record, first, count, v, vPlane, scratch);
  product(record, 0, points, 0, word(record, WinogradField.panels), first, count, v, vPlane, m, mPlane, scratch);
  transformOutput(record, first, count, m, mPlane, scratch);
}

/** Phase one alone: piece `group` of the tiles, into the shared V. */
export function f32_winograd_input(record: usize, group: i32, scratch: usize): void {
  const perGroup = word(record, WinogradField.tilesPerGroup);
  const all = word(record, WinogradField.tilesWide) * word(record, WinogradField.tilesHigh);
  const first = group * perGroup;
  const inStep = word(record, Field.inStep);
  const v = <usize>word(record, Field.output) + (<usize>(first * inStep) << 2);
  transformInput(record, first, min(perGroup, all - first), v, planeBytes(all, inStep), scratch);
}

/** Phase two alone: one point and `panelsPerPiece` panels. */
export function f32_winograd_product(record: usize, piece: i32, scratch: usize): void {
  const panels = word(record, WinogradField.panels);
  const perPiece = word(record, WinogradField.panelsPerPiece);
  const pieces = (panels + perPiece - 1) / perPiece;
  const point = piece / pieces;
  const first = (piece - point * pieces) * perPiece;
  const all = word(record, WinogradField.tilesWide) * word(record, WinogradField.tilesHigh);
  const vPlane: usize = planeBytes(all, word(record, Field.inStep));
  const mPlane: usize = planeBytes(all, word(record, Field.outStep));
  const v = <usize>word(record, Field.input);
  const m = <usize>word(record, Field.output);
  product(record, point, point + 1, first, min(first + perPiece, panels), 0, all, v, vPlane, m, mPlane, scratch);
}

/** Phase three alone: piece `group` of the tiles, out of the shared M. */
export function f32_winograd_output(record: usize, group: i32, scratch: usize): void {
  const perGroup = word(record, WinogradField.tilesPerGroup);
  const all = word(record, WinogradField.tilesWide) * word(record, WinogradField.tilesHigh);
  const first = group * perGroup;
  const outStep = word(record, Field.outStep);
  const m = <usize>word(record, Field.input) + (<usize>(first * outStep) << 2);
  transformOutput(record, first, min(perGroup, all - first), m, planeBytes(all, outStep), scratch);
}

function transformInput(record: usize, first: i32, count: i32, v: usize, plane: usize, work: usize): void {
  if (word(record, WinogradField.outputTile) == 4) {
    inputTransform4(record, first, count, 0, word(record, Field.inStep), v, plane, work);
  }
  else inputTransform2(record, first, count, v, plane, work);
}

function transformOutput(record: usize, first: i32, count: i32, m: usize, plane: usize, work: usize): void {
  const least = leastOf(word(record, Field.relu));
  if (word(record, WinogradField.outputTile) == 4) {
    const outStep = word(record, Field.outStep);
    outputTransform4(record, first, count, m, plane, <usize>outStep << 2, 0, outStep, work, least);
  }
  else outputTransform2(record, first, count, m, plane, work, least);
}

/** M[point] = V[point] U[point] for points [firstPoint, lastPoint), panels [firstPanel, lastPanel), and `tiles` tiles from `first`. */
function product(
  record: usize,
  firstPoint: i32,
  lastPoint: i32,
  firstPanel: i32,
  lastPanel: i32,
  first: i32,
  tiles: i32,
  v: usize,
  vPlane: usize,
  m: usize,
  mPlane: usize,
  table: usize,
): void {
  const inStep = word(record, Field.inStep);
  const outStep = word(record, Field.outStep);
  const rowBytes = <usize>inStep << 2;
  const stepBytes = <usize>outStep << 2;
  const tile = word(record, Field.tile);
  const four = word(record, WinogradField.outputTile) == 4;
  for (let at = 0; at < tiles + 3; at++) {
    store<u32>(table + (<usize>at << 2), <u32>(v + <usize>min(at, tiles - 1) * rowBytes));
  }
  const work = table + <usize>winogradTableBytes(tiles);
  const panelBytes = <usize>inStep << 5;
  const panels = <usize>word(record, WinogradField.panels);
  const zeros = <usize>word(record, Field.zeros);
  const columns = outStep - (firstPanel << 3);
  const least: f32 = -Infinity;
  for (let point = firstPoint; point < lastPoint; point++) {
    let row = 0;
    let rows = tiles;
    if (four) {
      row = firstRow(record, point, first);
      rows = rowsAt(record, point, first, tiles);
    }
    const from = table + (<usize>row << 2);
    const offset = <usize>point * vPlane;
    const c = m + <usize>point * mPlane + <usize>row * stepBytes + (<usize>firstPanel << 5);
    const b = <usize>word(record, Field.weights) + (<usize>point * panels + <usize>firstPanel) * panelBytes;
    const count = lastPanel - firstPanel;
    multiply(tile, from, rows, 1, inStep, offset, work, b, count, zeros, 0, c, stepBytes, columns, NO_RESIDUAL, least);
  }
}
