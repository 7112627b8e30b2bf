import { multiply, paddedRows } from "./multiply";
import { Field, Tile } from "./record";
import { leastOf } from "./simd";
import { planeBytes } from "./winograd";
import {
  blocksOf,
  firstOfBlock,
  gatherBlock,
  heightOfBlock,
  M_STEP,
  multiplyTurns,
  takesTurns,
  TURN_FILTERS,
} from "./winograd-turns";
import { scaleProducts, transformFilters } from "./winograd-filters";
import { inputTransform4, outputTransform4 } from "./winograd4";
import { word } from "./words";

/**
 * f32 3x3 stride-1 convolution by F(4x4,3x3) (Lavin & Gray 2016, section 4.3) on weights as the direct kernel has them,
 * [panel][tap][in channel][8]: a few channels of a panel or two are transformed at a time, used, and forgotten.
 *
 * Transformed weights are four times as large. Where an image has few tiles, reading them from memory takes longer than
 * making them; and where memory is short, they need not be had.
 */

/** In channels of one panel that are transformed at a time; of two, half as many. */
const CHUNK: i32 = 256;
/** A point's filters of a chunk; one cache line more, so that the points do not fall into the same cache sets. */
const FILTER_PLANE: usize = 256 * 32 + 64;
const POINTS: i32 = 36;
/** Panels whose products are kept until they are transformed: `M_STEP` bytes of a tile. */
const QUAD: i32 = 4;

/** V alone, for all pieces to share: a block of a group's rows in turns' order, or else four of its tiles. */
export function f32_conv3x3s1_winograd4_lean_input(record: usize, piece: i32, scratch: usize): void {
  const perTile = word(record, Field.rowsPerTile);
  const perGroup = perTile >> 2;
  const group = piece / perGroup;
  const block = piece - group * perGroup;
  const inStep = word(record, Field.inStep);
  const all = word(record, Field.tilesWide) * word(record, Field.tilesHigh);
  const rows = min(perTile, all - group * perTile);
  const shared = <usize>word(record, Field.transformed);
  const work = scratch + 32;
  const tile = word(record, Field.tile);
  if (!takesTurns(tile, inStep)) {
    const first = group * perTile + 4 * block;
    const v = shared + (<usize>(first * inStep) << 2);
    inputTransform4(record, first, min(4, rows - 4 * block), v, planeBytes(all, inStep), work);
    return;
  }
  if (block >= blocksOf(tile, rows)) return;
  const first = firstOfBlock(tile, rows, block);
  const height = heightOfBlock(tile, rows, block);
  const count = min(height, rows - first);
  const v = work + 36 * 32 * 4;
  const vPlane = planeBytes(height, inStep);
  inputTransform4(record, group * perTile + first, count, v, vPlane, work);
  for (let row = 0; row < height; row++) {
    store<u32>(scratch + (<usize>row << 2), <u32>v + <u32>(min(row, count - 1) * inStep << 2));
  }
  gatherBlock(tile, rows, block, scratch, inStep, vPlane, shared + <usize>group * turnsBytes(perTile, inStep));
}

/** Bytes of V in turns' order. */
function turnsBytes(rows: i32, channels: i32): usize {
  return <usize>(POINTS * rows * channels) << 2;
}

/** One piece: a group of tiles by some of the panels. V is this piece's own in `scratch`, or the whole image's. */
export function f32_conv3x3s1_winograd4_lean(record: usize, piece: i32, scratch: usize): void {
  const perTile = word(record, Field.rowsPerTile);
  const panels = word(record, Field.panels);
  const perPiece = word(record, Field.panelsPerTile);
  const across = (panels + perPiece - 1) / perPiece;
  const all = word(record, Field.tilesWide) * word(record, Field.tilesHigh);
  const group = piece / across;
  const first = group * perTile;
  const count = min(perTile, all - first);
  const inStep = word(record, Field.inStep);
  const rowBytes = <usize>inStep << 2;
  const mPlane = <usize>perTile * M_STEP + 64;

  const tile = word(record, Field.tile);
  const turns = takesTurns(tile, inStep);
  const shared = <usize>word(record, Field.transformed);
  const vPlane = planeBytes(shared ? all : perTile, inStep);
  const work = scratch + (<usize>perTile << 2);
  const base = work + <usize>max(perTile * CHUNK * 4, 36 * 32 * 4);
  // V in turns' order is shared, or else the first; once it is made, the place of V itself is free.
  const bytes = turnsBytes(perTile, inStep);
  const gathered = shared ? shared + <usize>group * bytes : base;
  const u = turns && !shared ? base + bytes : base;
  const m = u + (turns ? 2 * TURN_FILTERS : <usize>POINTS * FILTER_PLANE);
  const other = m + <usize>POINTS * mPlane;
  const own = turns ? u : other + <usize>POINTS * mPlane;
  const v = shared ? shared + <usize>first * rowBytes : own;
  if (!shared) inputTransform4(record, first, count, v, vPlane, work);

  for (let at = 0; at < paddedRows(tile, count); at++) {
    store<u32>(scratch + (<usize>at << 2), <u32>(v + <usize>min(at, count - 1) * rowBytes));
  }
  if (turns && !shared) {
    for (let block = 0, blocks = blocksOf(tile, count); block < blocks; block++) {
      const table = scratch + (<usize>firstOfBlock(tile, count, block) << 2);
      gatherBlock(tile, count, block, table, inStep, vPlane, gathered);
    }
  }
  const zeros = <usize>word(record, Field.zeros);
  const tap = <usize>inStep << 5;
  const none: f32 = -Infinity;
  const least = leastOf(word(record, Field.relu));
  const begin = (piece % across) * perPiece;
  const end = min(begin + perPiece, panels);
  const together = tile == Tile.f32_6x16 ? 2 : 1;
  const chunk = CHUNK / together;
  for (let panel = begin; panel < end; ) {
    const pair = min(together, end - panel);
    const column = <usize>((panel - begin) % QUAD) << 5;
    const weights = <usize>word(record, Field.weights) + <usize>panel * 9 * tap;
    let sums = m;
    let spare = other;
    if (turns) {
      multiplyTurns(tile, gathered, count, weights, inStep, panel == begin, panel + 1 < end, u, m + column, mPlane);
      spare = m;
    }
    for (let channel = turns ? inStep : 0; channel < inStep; channel += chunk) {
      const depth = min(chunk, inStep - channel);
      const from = weights + (<usize>channel << 5);
      for (let index = 0; index < pair; index++) {
        const at = from + <usize>index * 9 * tap;
        transformFilters(at, at + (<usize>depth << 5), tap, u + (<usize>(index * depth) << 5), FILTER_PLANE);
      }
      const before = channel ? spare - sums : 0;
      for (let point: usize = 0; point < <usize>POINTS; point++) {
        const c = sums + point * mPlane + column;
        const offset = point * vPlane + (<usize>channel << 2);
        const b = u + point * FILTER_PLANE;
        multiply(tile, scratch, count, 1, depth, offset, work, b, pair, zeros, 0, c, M_STEP, 8 * pair, before, none);
      }
      const swap = sums;
      sums = spare;
      spare = swap;
    }
    panel += pair;
    if (panel < end && (panel - begin) % QUAD != 0) continue;
    scaleProducts(spare, mPlane, count, M_STEP);
    const firstChannel = (begin + ((panel - begin - 1) / QUAD) * QUAD) << 3;
    const lastChannel = min(panel << 3, word(record, Field.outStep));
    outputTransform4(record, first, count, spare, mPlane, M_STEP, firstChannel, lastChannel, work, least);
  }
}
