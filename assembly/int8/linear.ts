import { ConvField, Field } from "../shared/record";
import { word } from "../base/words";
import { scaled } from "./store";

/**
 * Fully connected: one row of i16 (0..8128) against panels of eight columns of s8, [panel][pair][8][2], to f32: f32(sum) * scale +
 * bias, or at least 0 with `relu`. `depth`: pairs. `bias`: each panel's eight scales and eight biases. One piece of work is
 * `panelsPerPiece` panels.
 */
export function qs8_linear(record: usize, piece: i32): void {
  const panels = word(record, ConvField.panels);
  const first = piece * word(record, ConvField.panelsPerPiece);
  const last = min(first + word(record, ConvField.panelsPerPiece), panels);
  const pairs = <usize>word(record, ConvField.depth);
  const least = f32x4.splat(word(record, Field.relu) ? <f32>0 : -Infinity);
  const a = <usize>word(record, Field.input);
  const channels = word(record, ConvField.groupOut);
  for (let panel = first; panel < last; panel++) {
    let b = <usize>word(record, Field.weights) + (<usize>panel * pairs << 4);
    let s0 = i32x4.splat(0);
    let s1 = s0;
    let t0 = s0;
    let t1 = s0;
    const end = a + (pairs << 2);
    for (let at = a; at < end; at += 8, b += 32) {
      let two = v128.load32_splat(at);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v128.load8x8_s(b), two));
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(v128.load8x8_s(b, 8), two));
      two = v128.load32_splat(at, 4);
      t0 = i32x4.add(t0, i32x4.dot_i16x8_s(v128.load8x8_s(b, 16), two));
      t1 = i32x4.add(t1, i32x4.dot_i16x8_s(v128.load8x8_s(b, 24), two));
    }
    const scales = <usize>word(record, Field.bias) + (<usize>panel << 6);
    const to = <usize>word(record, Field.output) + (<usize>panel << 5);
    v128.store(to, f32x4.pmax(line(i32x4.add(s0, t0), scales), least));
    if (channels - (panel << 3) > 4) v128.store(to, f32x4.pmax(line(i32x4.add(s1, t1), scales + 16), least), 16);
  }
}

// @ts-ignore: decorator
@inline
function line(sum: v128, scales: usize): v128 {
  return scaled(sum, v128.load(scales), v128.load(scales, 32));
}
