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
        for (const end = to + 2 * bytes; to < end; to += 16) {
          toPoints(
            v128.load8x8_u(p0), v128.load8x8_u(p1), v128.load8x8_u(p2),
            v128.load8x8_u(p3), v128.load8x8_u(p4), v128.load8x8_u(p5),
            to, to + ROW, to + 2 * ROW, to + 3 * ROW, to + 4 * ROW, to + 5 * ROW,
          );
          p0 += 8;
          p1 += 8;
          p2 += 8;
          p3 += 8;
          p4 += 8;
          p5 += 8;
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
        for (let at = from, end = from + 2 * bytes; at < end; at += 16) {
          toPoints(
            v128.load(at), v128.load(at, COLUMN), v128.load(at, 2 * COLUMN),
            v128.load(at, 3 * COLUMN), v128.load(at, 4 * COLUMN), v128.load(at, 5 * COLUMN),
            t0, t1, t2, t3, t4, t5,
          );
          t0 += 16;
          t1 += 16;
          t2 += 16;
          t3 += 16;
          t4 += 16;
          t5 += 16;
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

/** B' of six samples of eight channels, to a place for each point. */
// @ts-ignore: decorator
@inline
function toPoints(
  d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128,
  t0: usize, t1: usize, t2: usize, t3: usize, t4: usize, t5: usize,
): void {
  // Shared by points 1 and -1, and by 2 and -2: they differ in the sign of the odd part.
  const even12 = i16x8.sub(d4, i16x8.shl(d2, 2));
  const odd12 = i16x8.sub(d3, i16x8.shl(d1, 2));
  const even34 = i16x8.sub(d4, d2);
  const half34 = i16x8.sub(d3, d1);
  const odd34 = i16x8.add(half34, half34);
  v128.store(t0, i16x8.add(i16x8.shl(i16x8.sub(d0, d2), 2), even34));
  v128.store(t1, i16x8.add(even12, odd12));
  v128.store(t2, i16x8.sub(even12, odd12));
  v128.store(t3, i16x8.add(even34, odd34));
  v128.store(t4, i16x8.sub(even34, odd34));
  v128.store(t5, i16x8.sub(i16x8.sub(d5, d3), i16x8.shl(half34, 2)));
}
