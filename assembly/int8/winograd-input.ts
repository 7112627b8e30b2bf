import { inside } from "../winograd/grid";
import { Field, WinogradField } from "../shared/record";
import { FILTERED_SLICE } from "../shared/sizes";
import { word } from "../base/words";

/** Channels that one pass carries through its intermediate, [row][column][channel] of i16; from a column, and a row, of it to the next. */
const SLICE: usize = FILTERED_SLICE;
const COLUMN: usize = SLICE * 2;
const ROW: usize = 6 * COLUMN;

/**
 * V = B'dB of F(4x4,3x3) in i16, for `count` tiles from `first` in the order of rows: 6x6 pixels of bytes at a stride of 4, points 0, 1,
 * -1, 2, -2, infinity (Lavin & Gray 2016, section 4.3). Pixels outside the image are zero. V has a plane for each point, [tile][channel].
 *
 * B's rows sum to 10 in absolute value, so that 0..127 grows to at most 12,700, and 0..255 to 25,500: exact.
 */
export function qs8_winograd_input(
  record: usize,
  first: i32,
  count: i32,
  v: usize,
  plane: usize,
  work: usize,
): void {
  const width = word(record, Field.inWidth);
  const height = word(record, Field.inHeight);
  const tilesWide = word(record, WinogradField.tilesWide);
  const channels = <usize>word(record, Field.inStep) << 2;
  const rowBytes = <usize>width * channels;
  const zeros = <usize>word(record, Field.zeros);
  const input = <usize>word(record, Field.input);
  const padHeight = word(record, WinogradField.padHeight);
  const padWidth = word(record, WinogradField.padWidth);
  let tileY = first / tilesWide;
  let tileX = first - tileY * tilesWide;
  for (let index = 0; index < count; index++) {
    const y = tileY * 4 - padHeight;
    const x = tileX * 4 - padWidth;
    const mask0 = inside(y, height);
    const mask1 = inside(y + 1, height);
    const mask2 = inside(y + 2, height);
    const mask3 = inside(y + 3, height);
    const mask4 = inside(y + 4, height);
    const mask5 = inside(y + 5, height);
    for (let channel: usize = 0; channel < channels; channel += SLICE) {
      const bytes = min(SLICE, channels - channel);
      const corner = input + channel + <usize>y * rowBytes + <usize>x * channels;
      for (let column: usize = 0; column < 6; column++) {
        const top = corner + column * channels - zeros;
        const mask = inside(x + <i32>column, width);
        // A pixel outside the image is the zeros.
        let p0 = zeros + (top & mask & mask0);
        let p1 = zeros + ((top + rowBytes) & mask & mask1);
        let p2 = zeros + ((top + 2 * rowBytes) & mask & mask2);
        let p3 = zeros + ((top + 3 * rowBytes) & mask & mask3);
        let p4 = zeros + ((top + 4 * rowBytes) & mask & mask4);
        let p5 = zeros + ((top + 5 * rowBytes) & mask & mask5);
        let to = work + column * COLUMN;
        for (const end = to + 2 * bytes; to < end; to += 32) {
          toPoints(
            true, p0, p1, p2, p3, p4, p5,
            to, to + ROW, to + 2 * ROW, to + 3 * ROW, to + 4 * ROW, to + 5 * ROW,
          );
          p0 += 16;
          p1 += 16;
          p2 += 16;
          p3 += 16;
          p4 += 16;
          p5 += 16;
        }
      }
      let from = work;
      let t0 = v + (<usize>index * channels + channel) * 2;
      for (let row = 0; row < 6; row++) {
        let t1 = t0 + plane;
        let t2 = t1 + plane;
        let t3 = t2 + plane;
        let t4 = t3 + plane;
        let t5 = t4 + plane;
        const next = t5 + plane;
        for (let at = from, end = from + 2 * bytes; at < end; at += 32) {
          toPoints(
            false, at, at + COLUMN, at + 2 * COLUMN, at + 3 * COLUMN, at + 4 * COLUMN, at + 5 * COLUMN,
            t0, t1, t2, t3, t4, t5,
          );
          t0 += 32;
          t1 += 32;
          t2 += 32;
          t3 += 32;
          t4 += 32;
          t5 += 32;
        }
        t0 = next;
        from += ROW;
      }
    }
    tileX++;
    if (tileX == tilesWide) {
      tileX = 0;
      tileY++;
    }
  }
}

/**
 * B' of six samples of sixteen channels, bytes or i16, to a place for each point. Adjacent vectors are loaded, computed and stored side by
 * side, for engines that fuse such pairs; no more than fourteen are needed at a time.
 */
// @ts-ignore: decorator
@inline
function toPoints(
  bytes: bool,
  p0: usize, p1: usize, p2: usize, p3: usize, p4: usize, p5: usize,
  t0: usize, t1: usize, t2: usize, t3: usize, t4: usize, t5: usize,
): void {
  const d2 = low(p2, bytes), e2 = high(p2, bytes);
  const d4 = low(p4, bytes), e4 = high(p4, bytes);
  const d1 = low(p1, bytes), e1 = high(p1, bytes);
  const d3 = low(p3, bytes), e3 = high(p3, bytes);
  // Shared by points 1 and -1, and by 2 and -2: they differ in the sign of the odd part.
  let even = i16x8.sub(d4, i16x8.shl(d2, 2)), even2 = i16x8.sub(e4, i16x8.shl(e2, 2));
  let odd = i16x8.sub(d3, i16x8.shl(d1, 2)), odd2 = i16x8.sub(e3, i16x8.shl(e1, 2));
  put(t1, i16x8.add(even, odd), i16x8.add(even2, odd2));
  put(t2, i16x8.sub(even, odd), i16x8.sub(even2, odd2));
  even = i16x8.sub(d4, d2), even2 = i16x8.sub(e4, e2);
  const half = i16x8.sub(d3, d1), half2 = i16x8.sub(e3, e1);
  odd = i16x8.add(half, half), odd2 = i16x8.add(half2, half2);
  put(t3, i16x8.add(even, odd), i16x8.add(even2, odd2));
  put(t4, i16x8.sub(even, odd), i16x8.sub(even2, odd2));
  const d0 = low(p0, bytes), e0 = high(p0, bytes);
  put(t0, i16x8.add(i16x8.shl(i16x8.sub(d0, d2), 2), even), i16x8.add(i16x8.shl(i16x8.sub(e0, e2), 2), even2));
  const d5 = low(p5, bytes), e5 = high(p5, bytes);
  put(t5, i16x8.sub(i16x8.sub(d5, d3), i16x8.shl(half, 2)), i16x8.sub(i16x8.sub(e5, e3), i16x8.shl(half2, 2)));
}

// @ts-ignore: decorator
@inline
function low(at: usize, bytes: bool): v128 {
  return bytes ? v128.load8x8_u(at) : v128.load(at);
}

// @ts-ignore: decorator
@inline
function high(at: usize, bytes: bool): v128 {
  return bytes ? v128.load8x8_u(at, 8) : v128.load(at, 16);
}

/** Stores a pair of vectors. */
// @ts-ignore: decorator
@inline
export function put(to: usize, first: v128, second: v128): void {
  v128.store(to, first);
  v128.store(to, second, 16);
}
