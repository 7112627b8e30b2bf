import { multiply, panelsTogether } from "../gemm/multiply";
import { Field, WinogradField } from "../shared/record";
import { leastOf } from "../base/simd";
import {
  ASIDE,
  BLOCKS,
  CHUNK,
  CHUNK_PLANE,
  planeBytes,
  POINTS,
  PRODUCT_STEP as M_STEP,
  productPlane,
  KEPT_PANELS,
  rowPointerBytes,
  SLICE,
  TURN_FILTERS,
  WORK,
} from "../shared/sizes";
import { NO_RESIDUAL } from "../gemm/store";
import { inputTransformStride2, outputTransformStride2 } from "./stride2";
import { scaleProducts, transformFilters } from "./filters";
import { firstRow, isStrided, pointsAlong, rowsAt } from "./grid";
import { filterAt, pairsAt, planeAt, planesOf } from "./planes";
import { blocksEnd, gatherSlice, multiplyTurns, takesTurns, writeBlocks } from "./turns";
import { inputTransform4, outputTransform4 } from "./f4x4";
import { word } from "../base/words";

/**
 * f32 3x3 convolution by F(4x4,3x3) (Lavin & Gray 2016, section 4.3), with a stride of 2 by its phases, on weights as the direct
 * kernel has them, [panel][tap][in channel][8]: a few channels of a panel or two are transformed at a time, used, and forgotten.
 *
 * Transformed weights are four times as large. Where an image has few tiles, reading them from memory takes longer than
 * making them; and where memory is short, they need not be had.
 */

/** Makes V alone, which all pieces then share. A piece is a slice of a group's channels in turns' order, or else four of its tiles. */
export function f32_conv3x3_winograd4_lean_input(record: usize, piece: i32, scratch: usize): void {
  const perGroup = word(record, WinogradField.tilesPerGroup);
  const inStep = word(record, Field.inStep);
  const piecesPerGroup = word(record, WinogradField.piecesPerGroup);
  const group = piece / piecesPerGroup;
  const index = piece - group * piecesPerGroup;
  const all = word(record, WinogradField.tilesWide) * word(record, WinogradField.tilesHigh);
  const first = group * perGroup;
  const count = tilesIn(record, group, piecesPerGroup);
  const shared = <usize>word(record, Field.output);
  const tile = word(record, Field.tile);
  if (takesTurns(tile, inStep)) {
    if (index * SLICE >= inStep) return;
    const blocks = scratch + rowPointerBytes(count);
    const rows = writeBlocks(record, tile, first, count, 0, blocks);
    const to = shared + <usize>group * turnsBytes(record, (perGroup + 3) & ~3, inStep) + (<usize>(index * SLICE * rows) << 2);
    transformSlice(record, first, count, index * SLICE, scratch, blocks, blocks + BLOCKS, to);
    return;
  }
  const tiles = min(4, count - 4 * index);
  if (tiles <= 0) return;
  const v = shared + (<usize>((first + 4 * index) * inStep) << 2);
  transformInput(record, first + 4 * index, tiles, 0, inStep, v, planeBytes(all, inStep), scratch);
}

/** Winograd tiles of a group that has so many pieces: the last one has what is left. */
// @ts-ignore: decorator
@inline
function tilesIn(record: usize, group: i32, pieces: i32): i32 {
  const size = word(record, WinogradField.tilesPerGroup);
  if ((group + 1) * pieces < word(record, Field.pieces)) return size;
  return word(record, WinogradField.tilesWide) * word(record, WinogradField.tilesHigh) - group * size;
}

function transformInput(
  record: usize,
  first: i32,
  count: i32,
  firstChannel: i32,
  lastChannel: i32,
  v: usize,
  plane: usize,
  work: usize,
): void {
  if (isStrided(record)) {
    inputTransformStride2(record, first, count, firstChannel, lastChannel, v, plane, work);
  } else inputTransform4(record, first, count, firstChannel, lastChannel, v, plane, work);
}

/** Bytes that V in turns' order takes at most. */
// @ts-ignore: decorator
@inline
function turnsBytes(record: usize, rows: i32, channels: i32): usize {
  return <usize>(planesOf(record) * rows * channels) << 2;
}

/** V of one slice of channels, in turns' order. `work` has the transform's intermediate, then the slice in tiles' order. */
function transformSlice(
  record: usize,
  first: i32,
  count: i32,
  channel: i32,
  table: usize,
  blocks: usize,
  work: usize,
  to: usize,
): usize {
  const v = work + WORK;
  const channels = min(SLICE, word(record, Field.inStep) - channel);
  const vPlane: usize = planeBytes(count, channels);
  transformInput(record, first, count, channel, channel + channels, v, vPlane, work);
  writePointers(table, v, count, channels << 2);
  return gatherSlice(channels, table, blocks, blocksEnd(record, blocks), vPlane, to);
}

function writePointers(table: usize, v: usize, count: i32, rowBytes: usize): void {
  for (let at = 0; at < count + 3; at++) {
    store<u32>(table + (<usize>at << 2), <u32>(v + <usize>min(at, count - 1) * rowBytes));
  }
}

/** One piece: a group of tiles by some of the panels. V is this piece's own in `scratch`, or the whole image's. */
export function f32_conv3x3_winograd4_lean(record: usize, piece: i32, scratch: usize): void {
  const perGroup = word(record, WinogradField.tilesPerGroup);
  const panels = word(record, WinogradField.panels);
  const perPiece = word(record, WinogradField.panelsPerPiece);
  const across = (panels + perPiece - 1) / perPiece;
  const all = word(record, WinogradField.tilesWide) * word(record, WinogradField.tilesHigh);
  const group = piece / across;
  const first = group * perGroup;
  const count = tilesIn(record, group, across);
  const inStep = word(record, Field.inStep);
  const rowBytes = <usize>inStep << 2;
  // With rows that only fill a block.
  const most = (count + 3) & ~3;
  const mPlane: usize = productPlane(most);
  const strided = isStrided(record);
  const along = pointsAlong(record);
  const points = along * along;

  const tile = word(record, Field.tile);
  const turns = takesTurns(tile, inStep);
  const shared = <usize>word(record, WinogradField.transformed);
  const vPlane: usize = planeBytes(shared ? all : count, inStep);
  const blocks = scratch + rowPointerBytes(count);
  const work = blocks + BLOCKS;
  const base = work + <usize>max(most * CHUNK * 4, WORK);
  // V in turns' order is shared, or else the first; once it is made, the place of its slices is free.
  const gathered = shared ? shared + <usize>group * turnsBytes(record, (perGroup + 3) & ~3, inStep) : base;
  const u = (turns && !shared ? base + turnsBytes(record, most, inStep) : base) + ASIDE;
  const m = u + (turns ? 2 * TURN_FILTERS : <usize>POINTS * CHUNK_PLANE);
  const other = m + <usize>points * mPlane;
  let rows = 0;
  if (turns) {
    rows = writeBlocks(record, tile, first, count, mPlane, blocks);
    if (!shared) {
      let to = gathered;
      for (let channel = 0; channel < inStep; channel += SLICE) {
        to = transformSlice(record, first, count, channel, scratch, blocks, u, to);
      }
    }
  } else {
    const v = shared ? shared + <usize>first * rowBytes : other + <usize>points * mPlane;
    if (!shared) transformInput(record, first, count, 0, inStep, v, vPlane, work);
    writePointers(scratch, v, count, rowBytes);
    for (let point = 0; point < points; point++) {
      const entry = blocks + (<usize>point << 3);
      store<u32>(entry, <u32>firstRow(record, point, first));
      store<u32>(entry, <u32>rowsAt(record, point, first, count), 4);
    }
  }
  const zeros = <usize>word(record, Field.zeros);
  const tap = <usize>inStep << 5;
  const none: f32 = -Infinity;
  const least = leastOf(word(record, Field.relu));
  const begin = (piece % across) * perPiece;
  const end = min(begin + perPiece, panels);
  const together = panelsTogether(tile);
  const chunk = CHUNK / together;
  let half: usize = 0;
  for (let panel = begin; panel < end; ) {
    const pair = min(together, end - panel);
    const column = <usize>((panel - begin) % KEPT_PANELS) << 5;
    const weights = <usize>word(record, Field.weights) + <usize>panel * 9 * tap;
    if (turns) {
      const last = blocksEnd(record, blocks);
      const isFirst = panel == begin;
      const c = m + column;
      half = multiplyTurns(strided, gathered, blocks, last, rows, weights, inStep, isFirst, panel + 1 < end, u, half, c);
    }
    for (let channel = turns ? inStep : 0; channel < inStep; channel += chunk) {
      const depth = min(chunk, inStep - channel);
      const from = weights + (<usize>channel << 5);
      for (let index = 0; index < pair; index++) {
        const at = from + <usize>index * 9 * tap;
        transformFilters(strided, at, at + (<usize>depth << 5), tap, u + (<usize>(index * depth) << 5));
      }
      const left = (inStep - channel - 1) / chunk;
      for (let point = 0; point < points; point++) {
        const row = <usize>load<u32>(blocks + (<usize>point << 3));
        const height = load<i32>(blocks + (<usize>point << 3), 4);
        const table = scratch + (row << 2);
        const pairs = pairsAt(along, point);
        for (let index = 0; index < pairs; index++) {
          // Sums go back and forth between two places, such that the last are in the first one.
          const isOther = ((left + 1) * pairs - index) & 1 ? 0 : 1;
          const before: usize = channel || index ? (isOther ? m - other : other - m) : NO_RESIDUAL;
          const c = (isOther ? other : m) + <usize>point * mPlane + row * M_STEP + column;
          const offset = <usize>planeAt(along, point, index) * vPlane + (<usize>channel << 2);
          const b = u + <usize>filterAt(along, point, index) * CHUNK_PLANE;
          multiply(tile, table, height, 1, depth, offset, work, b, pair, zeros, 0, c, M_STEP, 8 * pair, before, none);
        }
      }
    }
    panel += pair;
    if (panel < end && (panel - begin) % KEPT_PANELS != 0) continue;
    const firstChannel = (begin + ((panel - begin - 1) / KEPT_PANELS) * KEPT_PANELS) << 3;
    const lastChannel = min(panel << 3, word(record, Field.outStep));
    if (strided) {
      outputTransformStride2(record, first, count, m, mPlane, M_STEP, firstChannel, lastChannel, work, least);
    } else {
      scaleProducts(m, mPlane, count, M_STEP);
      outputTransform4(record, first, count, m, mPlane, M_STEP, firstChannel, lastChannel, work, least);
    }
  }
}
