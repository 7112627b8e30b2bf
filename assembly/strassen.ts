import { gather, multiplyGathered, paddedRows, pointerAt } from "./multiply";
import { Field } from "./record";
import { leastOf } from "./simd";
import { put4 } from "./store";
import { word } from "./words";

/**
 * f32 1x1 convolution of any stride by one step of Strassen's algorithm in Winograd's form (Boyer et al. 2009,
 * "Memory efficient scheduling of Strassen-Winograd's matrix multiplication algorithm", section 2.1): pixels, input channels
 * and output channels are halved, and seven products of halves make what takes eight.
 *
 * Weights are the direct kernel's, [panel][in channel][8]. In this thread's scratch: a pointer table for half of the pixels, the
 * first factors of the products in blocks of rows, the second factors that are sums, and the products of a few panels of
 * each half at a time.
 */

const PRODUCTS: i32 = 7;
const TOGETHER: i32 = 8;
const M_STEP: usize = 256;

/** One piece: `rowsPerTile` output pixels, of which the second half are the lower ones, by `panelsPerTile` panels of each half. */
export function f32_conv1x1_strassen(record: usize, piece: i32, scratch: usize): void {
  const perPiece = word(record, Field.rowsPerTile);
  const halfPanels = word(record, Field.panels) >> 1;
  const panelsPerPiece = word(record, Field.panelsPerTile);
  const across = (halfPanels + panelsPerPiece - 1) / panelsPerPiece;
  const first = (piece / across) * perPiece;
  const begin = (piece % across) * panelsPerPiece;
  const end = min(begin + panelsPerPiece, halfPanels);
  const count = min(perPiece, word(record, Field.outHeight) * word(record, Field.outWidth) - first);
  const upper = (count + 1) >> 1;
  const most = (perPiece + 1) >> 1;
  const depth = word(record, Field.depth) >> 1;
  const halfBytes = <usize>depth << 2;
  const tile = word(record, Field.tile);

  const table = scratch;
  const a = table + (<usize>((most + 18) & ~15) << 2);
  const aPlane = <usize>(most + 3) * halfBytes + 64;
  const t = a + <usize>PRODUCTS * aPlane;
  const m = t + (<usize>(togetherOf(depth) * depth) << 7);
  const mPlane = <usize>most * M_STEP + 64;

  pixelTable(record, first, first, count, upper, tile, table);
  gather(tile, table, upper, 1, depth, 0, a);
  gather(tile, table, upper, 1, depth, halfBytes, a + aPlane);
  pixelTable(record, first, first + upper, count, upper, tile, table);
  gather(tile, table, upper, 1, depth, 0, a + 6 * aPlane);
  gather(tile, table, upper, 1, depth, halfBytes, a + 3 * aPlane);
  addFactors(a, a + <usize>paddedRows(tile, upper) * halfBytes, aPlane);

  const panelBytes = <usize>depth << 6;
  const weights = <usize>word(record, Field.weights);
  const zeros = <usize>word(record, Field.zeros);
  const none: f32 = -Infinity;
  const half = panelBytes >> 1;
  for (let panel = begin; panel < end; ) {
    const panels = min(togetherOf(depth), end - panel);
    const left = weights + <usize>panel * panelBytes;
    const right = left + <usize>halfPanels * panelBytes;
    for (let index = 0; index < panels; index++) {
      const at = <usize>index * panelBytes;
      addPanels(left + at, right + at, half, t + 2 * at);
    }
    for (let index = 0; index < PRODUCTS; index++) {
      // B11, B21, B22, T4, T1, T2, T3.
      let b = t + <usize>(index - 3) * half;
      if (index < 2) b = left + <usize>index * half;
      else if (index == 2) b = right + half;
      const bStep = index < 3 ? panelBytes : 2 * panelBytes;
      const from = a + <usize>index * aPlane;
      const c = m + <usize>index * mPlane;
      multiplyGathered(tile, from, upper, depth, b, bStep, panels, zeros, 0, c, M_STEP, 8 * panels, 0, none);
    }
    combine(record, first, upper, count - upper, panel, panels, m, mPlane);
    panel += panels;
  }
}

/** Panels of either half whose products are kept until they are combined: as many as leave their second factors in the cache. */
function togetherOf(depth: i32): i32 {
  return min(TOGETHER, max(1, 1024 / depth));
}

/** Of a panel of each half of the output channels, [in channel][8]: T4 = T2 - B21, T1 = B12 - B11, T2 = B22 - T1, T3 = B22 - B12. */
function addPanels(left: usize, right: usize, half: usize, t: usize): void {
  for (const end = left + half; left < end; left += 16) {
    const b12 = v128.load(right);
    const b22 = v128.load(right + half);
    const t1 = f32x4.sub(b12, v128.load(left));
    const t2 = f32x4.sub(b22, t1);
    v128.store(t, f32x4.sub(t2, v128.load(left + half)));
    v128.store(t + half, t1);
    v128.store(t + 2 * half, t2);
    v128.store(t + 3 * half, f32x4.sub(b22, b12));
    right += 16;
    t += 16;
  }
}

/** Where an output pixel's input is. Beyond the piece's last pixel: that one's. */
function pixelAt(record: usize, pixel: i32, end: i32): usize {
  const outWidth = word(record, Field.outWidth);
  pixel = min(pixel, end - 1);
  const y = pixel / outWidth;
  const x = pixel - y * outWidth;
  const at = y * word(record, Field.strideHeight) * word(record, Field.inWidth) + x * word(record, Field.strideWidth);
  return <usize>word(record, Field.input) + (<usize>(at * word(record, Field.inStep)) << 2);
}

/** Pointers to `rows` pixels from `begin`, as `gather` takes them. */
function pixelTable(record: usize, first: i32, begin: i32, count: i32, rows: i32, tile: i32, table: usize): void {
  for (let row = 0; row < paddedRows(tile, rows); row++) {
    const at = pixelAt(record, begin + min(row, rows - 1), first + count);
    store<u32>(pointerAt(table, tile, rows, 1, row), <u32>at);
  }
}

/**
 * From A11, A12, A22 and A21 in planes 0, 1, 3 and 6 to the products' first factors: A11, A12, S4, A22, S1, S2, S3, with
 * S1 = A21 + A22, S2 = S1 - A11, S3 = A11 - A21, S4 = A12 - S2.
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

/** Four quarters of C from seven products of some panels, plus bias and residual, floored. */
function combine(record: usize, first: i32, upper: i32, lower: i32, panel: i32, panels: i32, m: usize, plane: usize): void {
  const floor = f32x4.splat(leastOf(word(record, Field.relu)));
  const step = <usize>word(record, Field.outStep) << 2;
  const right = step >> 1;
  const output = <usize>word(record, Field.output);
  const residualAt = <usize>word(record, Field.residual);
  const residual = residualAt ? residualAt - output : 0;
  const bias = <usize>word(record, Field.bias) + (<usize>panel << 5);
  const bytes = <usize>panels << 5;
  const below = <usize>upper * step;
  let to = output + <usize>first * step + (<usize>panel << 5);
  for (let row = 0; row < upper; row++) {
    const under = row < lower ? below : 0;
    for (let at: usize = 0; at < bytes; at += 32) {
      quarters(m + at, plane, bias + at, right, to + at, under, residual, floor);
      quarters(m + at + 16, plane, bias + at + 16, right, to + at + 16, under, residual, floor);
    }
    m += M_STEP;
    to += step;
  }
}

/** One vector of each quarter. `under`: 0 where the lower half has no such row. */
// @ts-ignore: decorator
@inline
function quarters(
  from: usize,
  plane: usize,
  bias: usize,
  right: usize,
  to: usize,
  under: usize,
  residual: usize,
  floor: v128,
): void {
  const p1 = v128.load(from);
  const p5 = v128.load(from + 4 * plane);
  const u2 = f32x4.add(p1, v128.load(from + 5 * plane));
  const u3 = f32x4.add(u2, v128.load(from + 6 * plane));
  const left = v128.load(bias);
  const other = v128.load(bias + right);
  put4(to, residual, f32x4.add(f32x4.add(p1, v128.load(from + plane)), left), floor);
  put4(to + right, residual, f32x4.add(f32x4.add(f32x4.add(u2, p5), v128.load(from + 2 * plane)), other), floor);
  if (!under) return;
  put4(to + under, residual, f32x4.add(f32x4.sub(u3, v128.load(from + 3 * plane)), left), floor);
  put4(to + under + right, residual, f32x4.add(f32x4.add(u3, p5), other), floor);
}
