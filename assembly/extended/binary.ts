import { bound, finish, maskOf } from "./activation";
import { Binary, BinaryField } from "../shared/extended";
import { Field } from "../shared/record";
import { word } from "../base/words";

/** One value (function) another, element by element, either of them repeated along any axis. One piece is one row of the output. */
export function f32_binary(record: usize, y: i32): void {
  const kind = word(record, BinaryField.operation);
  const width = word(record, Field.outWidth);
  const pixelBytes = <usize>word(record, Field.outStep) << 2;
  const channels = word(record, BinaryField.channels);
  let one = <usize>word(record, Field.input) + (<usize>(y * word(record, BinaryField.oneRow)) << 2);
  let other = <usize>word(record, Field.residual) + (<usize>(y * word(record, BinaryField.otherRow)) << 2);
  const onePixel = <usize>word(record, BinaryField.onePixel) << 2;
  const otherPixel = <usize>word(record, BinaryField.otherPixel) << 2;
  const oneRepeats = !word(record, BinaryField.oneChannel);
  const otherRepeats = !word(record, BinaryField.otherChannel);
  const bytes = <usize>width * pixelBytes;
  const row = <usize>word(record, Field.output) + <usize>y * bytes;
  const lanes = channels & 3;
  if (!lanes && onePixel == pixelBytes && otherPixel == pixelBytes && !oneRepeats && !otherRepeats) {
    combineRun(kind, one, other, false, false, row, bytes);
  } else {
    const mask = lanes ? maskOf(lanes) : i32x4.splat(-1);
    let to = row;
    for (let x = 0; x < width; x++) {
      combineRun(kind, one, other, oneRepeats, otherRepeats, to, pixelBytes);
      to += pixelBytes;
      // 0 / 0, and sums with what is repeated.
      if (lanes) v128.store(to - 16, v128.and(v128.load(to - 16), mask));
      one += onePixel;
      other += otherPixel;
    }
  }
  bound(record, row, bytes);
  finish(record, row, 1, bytes, bytes);
}

function combineRun(
  kind: i32,
  one: usize,
  other: usize,
  oneRepeats: bool,
  otherRepeats: bool,
  to: usize,
  bytes: usize,
): void {
  let a = v128.load32_splat(one);
  let b = v128.load32_splat(other);
  for (let at: usize = 0; at < bytes; at += 16) {
    if (!oneRepeats) a = v128.load(one + at);
    if (!otherRepeats) b = v128.load(other + at);
    v128.store(to + at, combine(kind, a, b));
  }
}

// @ts-ignore: decorator
@inline
function combine(kind: i32, a: v128, b: v128): v128 {
  if (kind == Binary.multiply) return f32x4.mul(a, b);
  if (kind == Binary.add) return f32x4.add(a, b);
  if (kind == Binary.subtract) return f32x4.sub(a, b);
  if (kind == Binary.divide) return f32x4.div(a, b);
  return kind == Binary.maximum ? f32x4.max(a, b) : f32x4.min(a, b);
}
