import { Field, WinogradField } from "../shared/record";
import { NO_RESIDUAL, residualOf } from "../gemm/store";
import { word } from "../base/words";

/**
 * V = B'dB of F(2x2,3x3) for `count` tiles from `first`: 4x4 input pixels at a stride of 2, points 0, 1, -1, infinity
 * (Lavin & Gray 2016, section 4.1). Sixteen vectors pass through `work`, one group of four channels at a time.
 */
export function inputTransform2(record: usize, first: i32, count: i32, v: usize, plane: usize, work: usize): void {
  const step = word(record, Field.inStep);
  const width = word(record, Field.inWidth);
  const height = word(record, Field.inHeight);
  const tilesWide = word(record, WinogradField.tilesWide);
  const pixelBytes = <usize>step << 2;
  const rowBytes = <usize>width * pixelBytes;
  const zeros = <usize>word(record, Field.zeros);
  const input = <usize>word(record, Field.input);
  const padHeight = word(record, WinogradField.padHeight);
  const padWidth = word(record, WinogradField.padWidth);
  for (let index = 0; index < count; index++) {
    const tile = first + index;
    const tileY = tile / tilesWide;
    const y = tileY * 2 - padHeight;
    const x = (tile - tileY * tilesWide) * 2 - padWidth;
    for (let channel = 0; channel < step; channel += 32) {
      const bytes = <usize>min(32, step - channel) << 2;
      for (let column = 0; column < 4; column++) {
        const inside = <u32>(x + column) < <u32>width;
        const top = input + (<usize>channel << 2) + <usize>y * rowBytes + <usize>(x + column) * pixelBytes;
        let p0 = inside && <u32>y < <u32>height ? top : zeros;
        let p1 = inside && <u32>(y + 1) < <u32>height ? top + rowBytes : zeros;
        let p2 = inside && <u32>(y + 2) < <u32>height ? top + 2 * rowBytes : zeros;
        let p3 = inside && <u32>(y + 3) < <u32>height ? top + 3 * rowBytes : zeros;
        let to = work + (<usize>column << 7);
        for (const end = to + bytes; to < end; to += 16) {
          const d1 = v128.load(p1);
          const d2 = v128.load(p2);
          v128.store(to, f32x4.sub(v128.load(p0), d2));
          v128.store(to, f32x4.add(d1, d2), 512);
          v128.store(to, f32x4.sub(d2, d1), 1024);
          v128.store(to, f32x4.sub(d1, v128.load(p3)), 1536);
          p0 += 16;
          p1 += 16;
          p2 += 16;
          p3 += 16;
        }
      }
      const target = v + <usize>index * pixelBytes + (<usize>channel << 2);
      for (let row = 0; row < 4; row++) {
        let t0 = target + <usize>(row * 4) * plane;
        let t1 = t0 + plane;
        let t2 = t1 + plane;
        let t3 = t2 + plane;
        let from = work + <usize>(row * 512);
        for (const end = from + bytes; from < end; from += 16) {
          const d1 = v128.load(from, 128);
          const d2 = v128.load(from, 256);
          v128.store(t0, f32x4.sub(v128.load(from), d2));
          v128.store(t1, f32x4.add(d1, d2));
          v128.store(t2, f32x4.sub(d2, d1));
          v128.store(t3, f32x4.sub(d1, v128.load(from, 384)));
          t0 += 16;
          t1 += 16;
          t2 += 16;
          t3 += 16;
        }
      }
    }
  }
}

/** Y = A'MA of F(2x2,3x3), plus bias and residual, floored, into the output pixels that exist. */
export function outputTransform2(
  record: usize,
  first: i32,
  count: i32,
  m: usize,
  plane: usize,
  work: usize,
  least: f32,
): void {
  const floor = f32x4.splat(least);
  const step = word(record, Field.outStep);
  const width = word(record, Field.outWidth);
  const height = word(record, Field.outHeight);
  const tilesWide = word(record, WinogradField.tilesWide);
  const pixelBytes = <usize>step << 2;
  const bias = <usize>word(record, Field.bias);
  const output = <usize>word(record, Field.output);
  const residual = residualOf(record);
  for (let index = 0; index < count; index++) {
    const tile = first + index;
    const tileY = tile / tilesWide;
    const y = tileY * 2;
    const x = (tile - tileY * tilesWide) * 2;
    const rows = min(2, height - y);
    const columns = min(2, width - x);
    for (let channel = 0; channel < step; channel += 32) {
      const bytes = <usize>min(32, step - channel) << 2;
      const source = m + <usize>index * pixelBytes + (<usize>channel << 2);
      for (let column = 0; column < 4; column++) {
        let p0 = source + <usize>column * plane;
        let p1 = p0 + 4 * plane;
        let p2 = p1 + 4 * plane;
        let p3 = p2 + 4 * plane;
        let to = work + (<usize>column << 7);
        for (const end = to + bytes; to < end; to += 16) {
          const m1 = v128.load(p1);
          const m2 = v128.load(p2);
          v128.store(to, f32x4.add(v128.load(p0), f32x4.add(m1, m2)));
          v128.store(to, f32x4.sub(f32x4.sub(m1, m2), v128.load(p3)), 512);
          p0 += 16;
          p1 += 16;
          p2 += 16;
          p3 += 16;
        }
      }
      for (let row = 0; row < rows; row++) {
        let from = work + <usize>(row * 512);
        let to = output + <usize>((y + row) * width + x) * pixelBytes + (<usize>channel << 2);
        let biasAt = bias + (<usize>channel << 2);
        for (const end = from + bytes; from < end; from += 16) {
          const m1 = v128.load(from, 128);
          const m2 = v128.load(from, 256);
          const b = v128.load(biasAt);
          let y0 = f32x4.add(f32x4.add(v128.load(from), f32x4.add(m1, m2)), b);
          if (residual != NO_RESIDUAL) y0 = f32x4.add(y0, v128.load(to + residual));
          v128.store(to, f32x4.pmax(y0, floor));
          if (columns > 1) {
            const at = to + pixelBytes;
            let y1 = f32x4.add(f32x4.sub(f32x4.sub(m1, m2), v128.load(from, 384)), b);
            if (residual != NO_RESIDUAL) y1 = f32x4.add(y1, v128.load(at + residual));
            v128.store(at, f32x4.pmax(y1, floor));
          }
          to += 16;
          biasAt += 16;
        }
      }
    }
  }
}
