import { Field, StemField } from "../shared/record";
import { FOUR, HALF, madd, nmadd } from "../base/simd";
import { STEM_SAMPLES, STEM_SHARED as SHARED, stemSamples } from "../shared/sizes";
import { word } from "../base/words";

/**
 * B'd of minimal filtering for taps at a stride of 2, by phases: F(4,4) on the even taps and samples and F(4,3) on the odd ones
 * (Winograd 1980; Lavin & Gray 2016, section 4.1). Both have the points 0, 1, -1, 2, -2 and infinity, and there their products
 * are one sum; 1/2 is the even taps' own, and comes last.
 */

/** Seven even samples to the shared points, `plane` bytes apart, and to their own. */
// @ts-ignore: decorator
@inline
export function transformEven(
  e0: v128,
  e1: v128,
  e2: v128,
  e3: v128,
  e4: v128,
  e5: v128,
  e6: v128,
  shared: usize,
  plane: usize,
  own: usize,
  four: v128,
  half: v128,
): void {
  v128.store(own, madd(four, f32x4.sub(e1, e3), f32x4.sub(e5, e3)));
  // The even polynomials are the odd ones times x - 1/2: the odd transform of these differences.
  const f0 = nmadd(half, e0, e1);
  const f1 = nmadd(half, e1, e2);
  const f2 = nmadd(half, e2, e3);
  const f3 = nmadd(half, e3, e4);
  const f4 = nmadd(half, e4, e5);
  transformOdd(f0, f1, f2, f3, f4, nmadd(half, e5, e6), shared, plane, four);
}

/** Six odd samples to the shared points, `plane` bytes apart. */
// @ts-ignore: decorator
@inline
export function transformOdd(
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
  d4: v128,
  d5: v128,
  to: usize,
  plane: usize,
  four: v128,
): void {
  const even12 = nmadd(four, d2, d4);
  const odd12 = nmadd(four, d1, d3);
  const even34 = f32x4.sub(d4, d2);
  const half34 = f32x4.sub(d3, d1);
  const odd34 = f32x4.add(half34, half34);
  v128.store(to, madd(four, f32x4.sub(d0, d2), even34));
  v128.store(to + plane, f32x4.add(even12, odd12));
  v128.store(to + 2 * plane, f32x4.sub(even12, odd12));
  v128.store(to + 3 * plane, f32x4.add(even34, odd34));
  v128.store(to + 4 * plane, f32x4.sub(even34, odd34));
  v128.store(to + 5 * plane, nmadd(four, half34, f32x4.sub(d5, d3)));
}

/**
 * The transform along rows of `rowsPerPiece` padded rows of the caller's planes (NCHW): neighbours share cache lines, which threads
 * should not. A tile is four outputs wide; the result is [quad of tiles][point][padded row][channel][phase][4 tiles].
 */
export function f32_conv7x7s2_winograd4_input(record: usize, piece: i32, scratch: usize): void {
  const perPiece = word(record, StemField.rowsPerPiece);
  const end = min((piece + 1) * perPiece, word(record, Field.outHeight));
  for (let row = piece * perPiece; row < end; row++) transformRow(record, row, scratch);
}

/** The row is first copied between zeros into `scratch`. */
function transformRow(record: usize, row: i32, scratch: usize): void {
  const four = v128.load32_splat(FOUR);
  const half = v128.load32_splat(HALF);
  const channels = word(record, StemField.channels);
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const rows = <usize>word(record, Field.outHeight);
  const quads = (word(record, StemField.tilesWide) + 3) >> 2;
  const y = row - word(record, StemField.padHeight);
  const padBytes = <usize>word(record, StemField.padWidth) << 2;
  const samples = stemSamples(quads);
  const samplesAt = scratch + STEM_SAMPLES;
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
      for (let offset: usize = 0; offset < 64; offset += 16) transpose(at + offset, scratch + (offset << 2));
      const e0 = v128.load(scratch);
      const e1 = v128.load(scratch, 32);
      const e2 = v128.load(scratch, 64);
      const e3 = v128.load(scratch, 96);
      const e4 = v128.load(scratch, 128);
      const e5 = v128.load(scratch, 160);
      transformEven(e0, e1, e2, e3, e4, e5, v128.load(scratch, 192), shared, plane, own, four, half);
      const o0 = v128.load(scratch, 16);
      const o1 = v128.load(scratch, 48);
      const o2 = v128.load(scratch, 80);
      const o3 = v128.load(scratch, 112);
      const o4 = v128.load(scratch, 144);
      transformOdd(o0, o1, o2, o3, o4, v128.load(scratch, 176), shared + 16, plane, four);
      shared += quadBytes;
      own += quadBytes;
    }
  }
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
