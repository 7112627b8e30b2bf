import { askFor } from "../gemm/ahead";
import { blocksOf, gather, multiplyGathered, paddedRows } from "../gemm/multiply";
import { Field, StrassenField } from "../shared/record";
import { leastOf } from "../base/simd";
import { blockRows, FACTORS, halfPointerBytes, keptBytes, KEPT_STEP as STEP, planeBytes, sumsBytes, TOGETHER } from "../shared/sizes";
import { NO_RESIDUAL, put4, residualOf } from "../gemm/store";
import { word } from "../base/words";

/**
 * f32 1x1 convolution of any stride by one step of Strassen's algorithm in Winograd's form (Boyer et al. 2009,
 * "Memory efficient scheduling of Strassen-Winograd's matrix multiplication algorithm", section 2.1): pixels, input channels
 * and output channels are halved, and seven products of halves make what takes eight.
 *
 * Products begin with the sums that they are added to, so that quarters of C leave the registers finished, and the memory that
 * they go to is waited for while others are multiplied. Two sums of products are kept, and one product.
 *
 * Many input channels go in parts, each part's product on top of C as the one before left it: a part's factors, and the
 * weights asked for ahead, have room in a second cache of 1 MB.
 *
 * Weights are the direct kernel's, [panel][in channel][8]. In this thread's scratch: a pointer table for half of the pixels, the
 * first factors of the products in blocks of rows, the second factors that are sums, and what is kept of some panels.
 */

/** One piece: `rowsPerPiece` output pixels, of which the second half are the lower ones, by `panelsPerPiece` panels of each half. */
export function f32_conv1x1_strassen(record: usize, piece: i32, scratch: usize): void {
  const perPiece = word(record, StrassenField.rowsPerPiece);
  const halfPanels = word(record, StrassenField.panels) >> 1;
  const panelsPerPiece = word(record, StrassenField.panelsPerPiece);
  const across = (halfPanels + panelsPerPiece - 1) / panelsPerPiece;
  const first = (piece / across) * perPiece;
  const begin = (piece % across) * panelsPerPiece;
  const end = min(begin + panelsPerPiece, halfPanels);
  const count = min(perPiece, word(record, Field.outHeight) * word(record, Field.outWidth) - first);
  const channels = word(record, StrassenField.depth);
  const part = word(record, StrassenField.part);
  for (let channel = 0; channel < channels; channel += part) {
    multiplyPart(record, first, count, (perPiece + 1) >> 1, begin, end, channel, min(part, channels - channel), scratch);
  }
}

/**
 * `count` pixels from `first`, of pieces whose halves have `most` at most, by panels [begin, end) of each half, of `depthOfPart` input
 * channels from `channel` on.
 */
function multiplyPart(
  record: usize,
  first: i32,
  count: i32,
  most: i32,
  begin: i32,
  end: i32,
  channel: i32,
  depthOfPart: i32,
  scratch: usize,
): void {
  const isFirst = channel == 0;
  const isLast = channel + depthOfPart == word(record, StrassenField.depth);
  const rows = (count + 1) >> 1;
  const lower = count - rows;
  const depth = depthOfPart >> 1;
  const halfBytes = <usize>depth << 2;
  const tile = word(record, Field.tile);

  const table = scratch;
  const plane: usize = planeBytes(blockRows(most), depth);
  const a11 = table + halfPointerBytes(most);
  const a12 = a11 + plane;
  const s4 = a12 + plane;
  const a22 = s4 + plane;
  const s1 = a22 + plane;
  const s2 = s1 + plane;
  const s3 = s2 + plane;
  const t = a11 + <usize>FACTORS * plane;
  const biases = t + <usize>sumsBytes(depth);
  const kept: usize = keptBytes(most);
  const x = biases + STEP;
  const y = x + kept;
  const z = y + kept;

  const offset = <usize>channel << 2;
  pixelTable(record, first, rows, first + count, table);
  gather(tile, table, rows, 1, depth, offset, a11);
  gather(tile, table, rows, 1, depth, offset + halfBytes, a12);
  pixelTable(record, first + rows, rows, first + count, table);
  gather(tile, table, rows, 1, depth, offset, s3);
  gather(tile, table, rows, 1, depth, offset + halfBytes, a22);
  addFactors(a11, a11 + <usize>paddedRows(tile, rows) * halfBytes, plane);

  const weights = <usize>word(record, Field.weights);
  const panelBytes = <usize>word(record, StrassenField.depth) << 5;
  const toRight = <usize>(word(record, StrassenField.panels) >> 1) * panelBytes;
  const half = <usize>depth << 5;
  const tBytes = 4 * half;
  const step = <usize>word(record, Field.outStep) << 2;
  const right = step >> 1;
  const zeros = <usize>word(record, Field.zeros);
  const residual = isFirst ? residualOf(record) : 0;
  const least: f32 = isLast ? leastOf(word(record, Field.relu)) : -Infinity;
  const noted = <usize>word(record, Field.firstBytes);
  const turns = FACTORS * blocksOf(tile, rows);
  for (let panel = begin; panel < end; panel += TOGETHER) {
    const panels = min(TOGETHER, end - panel);
    const columns = panels << 3;
    const b11 = weights + <usize>panel * panelBytes + (<usize>channel << 5);
    const b12 = b11 + toRight;
    const b21 = b11 + half;
    const b22 = b12 + half;
    addPanels(b11, b12, half, panelBytes, panels, t);
    const skip = <usize>panels * panelBytes;
    const following = min(TOGETHER, end - panel - panels);
    askFor(2, b11 + skip, b12 + skip, following, panelBytes, 2 * half, weights, noted, panels * turns);
    let bias = zeros;
    let second = zeros;
    let biasStep: usize = 0;
    if (isFirst) {
      bias = <usize>word(record, Field.bias) + (<usize>panel << 5);
      // C11 and C21 begin with their bias: what C12 and C22 need more comes with the product that only they have.
      for (let at: usize = 0; at < <usize>columns << 2; at += 16) {
        v128.store(biases + at, f32x4.sub(v128.load(bias + at + right), v128.load(bias + at)));
      }
      second = biases;
      biasStep = 32;
    }
    const c11 = <usize>word(record, Field.output) + <usize>first * step + (<usize>panel << 5);
    const c12 = c11 + right;
    const c21 = c11 + <usize>rows * step;
    const c22 = c21 + right;
    keep(tile, a11, rows, depth, b11, panelBytes, panels, bias, biasStep, 0, x);
    finish(tile, a12, rows, rows, depth, b21, panelBytes, panels, zeros, x, c11, step, residual, least);
    keep(tile, s2, rows, depth, t + half, tBytes, panels, zeros, 0, x, x);
    keep(tile, s1, rows, depth, t, tBytes, panels, second, biasStep, x, y);
    finish(tile, s4, rows, rows, depth, b22, panelBytes, panels, zeros, y, c12, step, residual, least);
    keep(tile, s3, rows, depth, t + 2 * half, tBytes, panels, zeros, 0, 0, z);
    addLast(x, y, z, lower, panels, c22, step, residual, least);
    finish(tile, a22, rows, lower, depth, t + 3 * half, tBytes, panels, zeros, x, c21, step, residual, least);
  }
}

/** `to` = `from` (0: nothing) + A B + bias. */
// @ts-ignore: decorator
@inline
function keep(
  tile: i32,
  a: usize,
  rows: i32,
  depth: i32,
  b: usize,
  bStep: usize,
  panels: i32,
  bias: usize,
  biasStep: usize,
  from: usize,
  to: usize,
): void {
  const none: f32 = -Infinity;
  multiplyGathered(tile, a, rows, rows, depth, b, bStep, panels, bias, biasStep, from, STEP, to, STEP, panels << 3, NO_RESIDUAL, none);
}

/** The first `kept` rows of a quarter of C: `from` + A B, plus residual, floored. */
// @ts-ignore: decorator
@inline
function finish(
  tile: i32,
  a: usize,
  rows: i32,
  kept: i32,
  depth: i32,
  b: usize,
  bStep: usize,
  panels: i32,
  zeros: usize,
  from: usize,
  c: usize,
  step: usize,
  residual: usize,
  least: f32,
): void {
  multiplyGathered(tile, a, rows, kept, depth, b, bStep, panels, zeros, 0, from, STEP, c, step, panels << 3, residual, least);
}

/** X += Z, and C22 = Y + Z, plus residual, floored. */
function addLast(
  x: usize,
  y: usize,
  z: usize,
  rows: i32,
  panels: i32,
  c: usize,
  step: usize,
  residual: usize,
  least: f32,
): void {
  const floor = f32x4.splat(least);
  const bytes = <usize>panels << 5;
  for (let row = 0; row < rows; row++) {
    for (let at: usize = 0; at < bytes; at += 16) {
      const product = v128.load(z + at);
      v128.store(x + at, f32x4.add(v128.load(x + at), product));
      put4(c + at, residual, f32x4.add(v128.load(y + at), product), floor);
    }
    x += STEP;
    y += STEP;
    z += STEP;
    c += step;
  }
}

/**
 * Second factors that are sums, of panels of each half of the output channels, [in channel][8]: T1 = B12 - B11, T2 = B22 - T1,
 * T3 = B22 - B12 and B21 - T2 of a panel, then of the next.
 */
function addPanels(left: usize, right: usize, half: usize, panelBytes: usize, panels: i32, t: usize): void {
  const rest = panelBytes - half;
  for (; panels > 0; panels--) {
    for (const end = left + half; left < end; left += 16) {
      const b12 = v128.load(right);
      const b22 = v128.load(right + half);
      const t1 = f32x4.sub(b12, v128.load(left));
      const t2 = f32x4.sub(b22, t1);
      v128.store(t, t1);
      v128.store(t + half, t2);
      v128.store(t + 2 * half, f32x4.sub(b22, b12));
      v128.store(t + 3 * half, f32x4.sub(v128.load(left + half), t2));
      right += 16;
      t += 16;
    }
    left += rest;
    right += rest;
    t += 3 * half;
  }
}

/** Pointers to the input of `rows` output pixels from `pixel` on, for `gather`; beyond the one before `end`: to that one's. */
function pixelTable(record: usize, pixel: i32, rows: i32, end: i32, table: usize): void {
  const outWidth = word(record, Field.outWidth);
  const across = <usize>(word(record, StrassenField.strideWidth) * word(record, Field.inStep)) << 2;
  const down = <usize>(word(record, StrassenField.strideHeight) * word(record, Field.inWidth) * word(record, Field.inStep)) << 2;
  let x = pixel % outWidth;
  let line = <usize>word(record, Field.input) + <usize>(pixel / outWidth) * down;
  let at = line + <usize>x * across;
  const last = min(pixel + rows, end) - 1;
  // A last block may have three rows that are not there.
  for (const stop = table + (<usize>(rows + 3) << 2); table < stop; table += 4) {
    store<u32>(table, <u32>at);
    if (pixel >= last) continue;
    pixel++;
    x++;
    at += across;
    if (x < outWidth) continue;
    x = 0;
    line += down;
    at = line;
  }
}

/**
 * First factors from A11, A12, A22, and A21 in S3's place: S1 = A21 + A22, S2 = S1 - A11, S3 = A11 - A21 and S4 = A12 - S2.
 * The seven lie `plane` bytes apart, in the order A11, A12, S4, A22, S1, S2, S3.
 */
function addFactors(a: usize, end: usize, plane: usize): void {
  for (; a < end; a += 16) {
    const a11 = v128.load(a);
    const a21 = v128.load(a + 6 * plane);
    const s1 = f32x4.add(a21, v128.load(a + 3 * plane));
    const s2 = f32x4.sub(s1, a11);
    v128.store(a + 2 * plane, f32x4.sub(v128.load(a + plane), s2));
    v128.store(a + 4 * plane, s1);
    v128.store(a + 5 * plane, s2);
    v128.store(a + 6 * plane, f32x4.sub(a11, a21));
  }
}
