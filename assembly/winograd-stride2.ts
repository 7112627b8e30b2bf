import { multiply, paddedRows, pointerAt, pointerStep } from "./multiply";
import { Field } from "./record";
import { leastOf } from "./simd";
import { inputTransformStride2, outputTransformStride2, PHASES, STRIDE2_WORK_BYTES } from "./stride2-transforms";
import { planeBytes, tilesOf } from "./winograd";
import { firstRow, rowsAt } from "./winograd-grid";
import { word } from "./words";

/**
 * f32 3x3 stride-2 convolution by minimal filtering of its phases, on weights that were transformed at load: for layers of few
 * channels. The planes that one point has in V are the taps of its GEMM.
 *
 * Weights: [point][panel][phase pair][in channel][8], points in the order of `multiplyPoints`. Products: [point][tile][out channel]. In this thread's scratch: pointer
 * table and gathered rows, or the transforms' intermediate, then V and M.
 */
export function f32_conv3x3s2_winograd(record: usize, group: i32, scratch: usize): void {
  const first = group * word(record, Field.rowsPerTile);
  const count = tilesOf(record, group);
  const inStep = word(record, Field.inStep);
  const outStep = word(record, Field.outStep);
  const vPlane = planeBytes(count, inStep);
  const mPlane = planeBytes(count, outStep);
  const v = scratch + max(<usize>(((count + 3) & ~3) << 4) * (1 + inStep), STRIDE2_WORK_BYTES);
  const m = v + vPlane * <usize>(PHASES * PHASES);
  inputTransformStride2(record, first, count, 0, inStep, v, vPlane, scratch);
  multiplyPoints(record, first, count, v, vPlane, m, mPlane, scratch);
  const least = leastOf(word(record, Field.relu));
  outputTransformStride2(record, first, count, m, mPlane, <usize>outStep << 2, 0, outStep, scratch, least);
}

/** M[point] = sum over its phase pairs of V U, of the tiles that take part in it. */
function multiplyPoints(
  record: usize,
  first: i32,
  count: i32,
  v: usize,
  vPlane: usize,
  m: usize,
  mPlane: usize,
  table: usize,
): void {
  const inStep = word(record, Field.inStep);
  const outStep = word(record, Field.outStep);
  const panels = word(record, Field.panels);
  const zeros = <usize>word(record, Field.zeros);
  const stepBytes = <usize>outStep << 2;
  const tile = word(record, Field.tile);
  const none: f32 = -Infinity;
  let b = <usize>word(record, Field.weights);
  // Points of one phase along an axis, then those of two: the planes of one kind of points are as far apart at all of them.
  for (let kind = 0; kind < 4; kind++) {
    const down = kind >> 1;
    const across = kind & 1;
    const taps = (down + 1) * (across + 1);
    let tableRow = -1;
    let tableRows = 0;
    const endY = down ? PHASES : 1;
    const endX = across ? PHASES : 1;
    for (let y = down; y < endY; y += 2) {
      for (let x = across; x < endX; x += 2) {
        const point = ((y + 1) >> 1) * 5 + ((x + 1) >> 1);
        const row = firstRow(record, point, first);
        const rows = rowsAt(record, point, first, count);
        if (rows) {
          if (row != tableRow || rows != tableRows) {
            writePointers(table, tile, rows, taps, across, v + (<usize>(row * inStep) << 2), <usize>inStep << 2, vPlane);
            tableRow = row;
            tableRows = rows;
          }
          const offset = <usize>(y * PHASES + x) * vPlane;
          const work = table + (<usize>(((rows + 3) & ~3) * taps) << 2);
          const c = m + <usize>point * mPlane + <usize>row * stepBytes;
          multiply(tile, table, rows, taps, inStep, offset, work, b, panels, zeros, 0, c, stepBytes, outStep, 0, none);
        }
        b += <usize>(taps * inStep * panels) << 5;
      }
    }
  }
}

/** The table for `multiply` of rows that are `step` bytes apart, in the planes of a point's phase pairs. */
function writePointers(
  table: usize,
  tile: i32,
  rows: i32,
  taps: i32,
  across: i32,
  from: usize,
  step: usize,
  plane: usize,
): void {
  const padded = paddedRows(tile, rows);
  for (let at = 0; at < padded; at++) {
    const slot = pointerAt(table, tile, rows, taps, at);
    const slotStep = pointerStep(tile, rows, at);
    const address = from + <usize>min(at, rows - 1) * step;
    for (let tap = 0; tap < taps; tap++) {
      const offset = <usize>((tap >> across) * PHASES + (tap & across)) * plane;
      store<u32>(slot + <usize>tap * slotStep, <u32>(address + offset));
    }
  }
}
