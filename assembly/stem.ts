import { f32_gemm_4x16, f32_gemm_4x8 } from "./gemm";
import { Field, Tile } from "./record";
import { leastOf, madd, nmadd } from "./simd";
import { NO_RESIDUAL } from "./store";
import { word } from "./words";

/**
 * f32 7x7 stride-2 convolution of an image of few channels, by minimal filtering along each row alone: F(4,4) on the even
 * taps and samples and F(4,3) on the odd ones (Winograd 1980; Lavin & Gray 2016, section 4.1). Both have the points 0, 1, -1,
 * 2, -2 and infinity, and there their products are one sum, seven kernel rows deep; 1/2 is the even taps' own.
 * 273 multiplications a channel make four outputs that directly take 588.
 *
 * The transformed input is [quad of tiles][point][padded input row][channel][phase][4 tiles], so that the rows under an
 * output row follow one another, as the GEMM reads them. A tile is four outputs wide.
 */
const POINTS: i32 = 7;
/** Points that both phases have. */
const SHARED: i32 = 6;

/** V of `rowsPerTile` padded rows of the caller's planes (NCHW): neighbours share cache lines, which threads should not. */
export function f32_conv7x7s2_winograd4x1_input(record: usize, piece: i32, scratch: usize): void {
  const perPiece = word(record, Field.rowsPerTile);
  const end = min((piece + 1) * perPiece, word(record, Field.outHeight));
  for (let row = piece * perPiece; row < end; row++) transformRow(record, row, scratch);
}

/** The row is first copied between zeros into `scratch`. */
function transformRow(record: usize, row: i32, scratch: usize): void {
  const channels = word(record, Field.channels);
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const rows = <usize>word(record, Field.outHeight);
  const quads = (word(record, Field.tilesWide) + 3) >> 2;
  const y = row - word(record, Field.padHeight);
  const padBytes = <usize>word(record, Field.padWidth) << 2;
  const samples = quads * 32 + 8;
  const samplesAt = scratch + 256;
  const output = <usize>word(record, Field.output);
  const plane = rows * <usize>(channels << 5);
  const quadBytes = <usize>SHARED * plane + (plane >> 1);
  memory.fill(samplesAt, 0, <usize>samples << 2);
  for (let channel = 0; channel < channels; channel++) {
    if (<u32>y < <u32>inHeight) {
      const from = <usize>word(record, Field.input) + (<usize>((channel * inHeight + y) * inWidth) << 2);
      memory.copy(samplesAt + padBytes, from, min(<usize>inWidth << 2, (<usize>samples << 2) - padBytes));
    }
    const line = row * channels + channel;
    let shared = output + (<usize>line << 5);
    let own = output + <usize>SHARED * plane + (<usize>line << 4);
    for (let index = 0; index < quads; index++) {
      const at = samplesAt + <usize>(index << 7);
      for (let four: usize = 0; four < 64; four += 16) transpose(at + four, scratch + (four << 2));
      const half = f32x4.splat(0.5);
      const e0 = v128.load(scratch);
      const e1 = v128.load(scratch, 32);
      const e2 = v128.load(scratch, 64);
      const e3 = v128.load(scratch, 96);
      const e4 = v128.load(scratch, 128);
      const e5 = v128.load(scratch, 160);
      v128.store(own, madd(f32x4.splat(4), e1, nmadd(f32x4.splat(5), e3, e5)));
      // The even polynomials are the odd ones times x - 1/2: the odd transform of these differences.
      const f0 = nmadd(half, e0, e1);
      const f1 = nmadd(half, e1, e2);
      const f2 = nmadd(half, e2, e3);
      const f3 = nmadd(half, e3, e4);
      const f4 = nmadd(half, e4, e5);
      const f5 = nmadd(half, e5, v128.load(scratch, 192));
      transform(f0, f1, f2, f3, f4, f5, shared, plane);
      const o0 = v128.load(scratch, 16);
      const o1 = v128.load(scratch, 48);
      const o2 = v128.load(scratch, 80);
      const o3 = v128.load(scratch, 112);
      const o4 = v128.load(scratch, 144);
      transform(o0, o1, o2, o3, o4, v128.load(scratch, 176), shared + 16, plane);
      shared += quadBytes;
      own += quadBytes;
    }
  }
}

/** B'd of F(4,3): six samples to the six shared points, `plane` bytes apart. */
// @ts-ignore: decorator
@inline
function transform(d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128, to: usize, plane: usize): void {
  const even12 = nmadd(f32x4.splat(4), d2, d4);
  const odd12 = nmadd(f32x4.splat(4), d1, d3);
  const even34 = f32x4.sub(d4, d2);
  const odd34 = f32x4.mul(f32x4.splat(2), f32x4.sub(d3, d1));
  v128.store(to, madd(f32x4.splat(4), d0, nmadd(f32x4.splat(5), d2, d4)));
  v128.store(to + plane, f32x4.add(even12, odd12));
  v128.store(to + 2 * plane, f32x4.sub(even12, odd12));
  v128.store(to + 3 * plane, f32x4.add(even34, odd34));
  v128.store(to + 4 * plane, f32x4.sub(even34, odd34));
  v128.store(to + 5 * plane, madd(f32x4.splat(4), d1, nmadd(f32x4.splat(5), d3, d5)));
}

/** Four samples of each of four tiles, eight samples apart, to four vectors of one sample of each tile. */
// @ts-ignore: decorator
@inline
function transpose(from: usize, to: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from, 32);
  const r2 = v128.load(from, 64);
  const r3 = v128.load(from, 96);
  const low01 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const high01 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const low23 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const high23 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(low01, low23, 0, 2));
  v128.store(to, i64x2.shuffle(low01, low23, 1, 3), 16);
  v128.store(to, i64x2.shuffle(high01, high23, 0, 2), 32);
  v128.store(to, i64x2.shuffle(high01, high23, 1, 3), 48);
}

/** One output row: the products of its tiles, [point][tile][out channel] in `scratch`, then Y = A'M, bias and floor. */
export function f32_conv7x7s2_winograd4x1(record: usize, outY: i32, scratch: usize): void {
  const channels = word(record, Field.channels);
  const rows = <usize>word(record, Field.inHeight);
  const tiles = (word(record, Field.tilesWide) + 3) & ~3;
  const panels = word(record, Field.panels);
  const outStep = word(record, Field.outStep);
  const kernelHeight = word(record, Field.kernelHeight);
  const stepBytes = <usize>outStep << 2;
  const rowBytes = <usize>(channels << 5);
  const shared = rows * rowBytes;
  const quadBytes = <usize>SHARED * shared + (shared >> 1);
  const plane = <usize>tiles * stepBytes + 64;
  const zeros = <usize>word(record, Field.zeros);
  const row = <usize>(outY * word(record, Field.strideHeight));
  const none: f32 = -Infinity;
  const tile = word(record, Field.tile);
  let b = <usize>word(record, Field.weights);
  for (let point = 0; point < POINTS; point++) {
    const bytes = point < SHARED ? rowBytes : rowBytes >> 1;
    const depth = kernelHeight * channels * (point < SHARED ? 2 : 1);
    const a = <usize>word(record, Field.input) + <usize>point * shared + row * bytes;
    let c = scratch + <usize>point * plane;
    for (let panel = 0; panel < panels; ) {
      const columns = outStep - (panel << 3);
      const wide = ASC_FEATURE_RELAXED_SIMD && tile == Tile.f32_6x16 && panels - panel > 1;
      if (wide) f32_gemm_4x16(a, quadBytes, depth, b, zeros, c, stepBytes, tiles, columns, NO_RESIDUAL, none);
      else f32_gemm_4x8(a, quadBytes, depth, b, zeros, 0, 0, c, stepBytes, tiles, columns, NO_RESIDUAL, none);
      const taken = wide ? 2 : 1;
      panel += taken;
      b += <usize>(taken * depth) << 5;
      c += <usize>taken << 5;
    }
  }
  const floor = f32x4.splat(leastOf(word(record, Field.relu)));
  const width = word(record, Field.outWidth);
  const bias = <usize>word(record, Field.bias);
  let to = <usize>word(record, Field.output) + <usize>(outY * width) * stepBytes;
  let from = scratch;
  for (let four = 0; four < word(record, Field.tilesWide); four++) {
    const columns = width - (four << 2);
    for (let channel: usize = 0; channel < stepBytes; channel += 16) {
      store4(from, plane, to, stepBytes, v128.load(bias + channel), floor, columns);
      from += 16;
      to += 16;
    }
    to += 3 * stepBytes;
  }
}

/** A' of F(4,4): row i holds the points' i-th powers. */
// @ts-ignore: decorator
@inline
function store4(from: usize, plane: usize, to: usize, step: usize, bias: v128, floor: v128, columns: i32): void {
  const m1 = v128.load(from + plane);
  const m2 = v128.load(from + 2 * plane);
  const m3 = v128.load(from + 3 * plane);
  const m4 = v128.load(from + 4 * plane);
  const m6 = v128.load(from + 6 * plane);
  const sum12 = f32x4.add(f32x4.add(m1, m2), bias);
  const difference12 = f32x4.add(f32x4.sub(m1, m2), bias);
  const sum34 = f32x4.add(m3, m4);
  const difference34 = f32x4.sub(m3, m4);
  v128.store(to, f32x4.pmax(f32x4.add(f32x4.add(f32x4.add(v128.load(from), sum12), sum34), m6), floor));
  if (columns < 2) return;
  v128.store(to + step, f32x4.pmax(madd(f32x4.splat(0.5), m6, madd(f32x4.splat(2), difference34, difference12)), floor));
  if (columns < 3) return;
  v128.store(to + 2 * step, f32x4.pmax(madd(f32x4.splat(0.25), m6, madd(f32x4.splat(4), sum34, sum12)), floor));
  if (columns < 4) return;
  const last = f32x4.add(difference12, v128.load(from + 5 * plane));
  v128.store(to + 3 * step, f32x4.pmax(madd(f32x4.splat(0.125), m6, madd(f32x4.splat(8), difference34, last)), floor));
}
