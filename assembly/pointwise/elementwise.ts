import { exp2, LOG2E } from "./activation";
import { Field, PointwiseField } from "../shared/record";
import { leastOf, madd } from "../base/simd";
import { word } from "../base/words";

/** output = max(input * scale + shift, floor), by channel: a BatchNorm that is not folded, or a ReLU alone. One piece is one row. */
export function f32_affine(record: usize, y: i32): void {
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  const bytes = <usize>word(record, Field.inWidth) * pixelBytes;
  const floor = f32x4.splat(leastOf(word(record, Field.relu)));
  const scale = <usize>word(record, Field.weights);
  const shift = <usize>word(record, Field.bias);
  let from = <usize>word(record, Field.input) + <usize>y * bytes;
  let to = <usize>word(record, Field.output) + <usize>y * bytes;
  if (!scale) {
    for (const end = from + bytes; from < end; from += 16) {
      v128.store(to, f32x4.pmax(v128.load(from), floor));
      to += 16;
    }
    return;
  }
  for (const end = from + bytes; from < end; ) {
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      const value = madd(v128.load(from), v128.load(scale + channel), v128.load(shift + channel));
      v128.store(to, f32x4.pmax(value, floor));
      from += 16;
      to += 16;
    }
  }
}

/** output = max(input + residual, floor). One piece is one row. */
export function f32_add(record: usize, y: i32): void {
  const bytes = (<usize>word(record, Field.inWidth) * <usize>word(record, Field.inStep)) << 2;
  const floor = f32x4.splat(leastOf(word(record, Field.relu)));
  let from = <usize>word(record, Field.input) + <usize>y * bytes;
  let other = <usize>word(record, Field.residual) + <usize>y * bytes;
  let to = <usize>word(record, Field.output) + <usize>y * bytes;
  for (const end = from + bytes; from < end; from += 16) {
    v128.store(to, f32x4.pmax(f32x4.add(v128.load(from), v128.load(other)), floor));
    other += 16;
    to += 16;
  }
}

/**
 * Option A of He et al. 2015, section 3.3: every `stride`-th pixel, `before` zero channels, the input's, then zeros.
 * One piece is one output row. Channels are copied one by one: `before` need not be a multiple of four.
 */
export function f32_zero_pad_shortcut(record: usize, outY: i32): void {
  const outWidth = word(record, Field.outWidth);
  const outBytes = <usize>word(record, Field.outStep) << 2;
  const inBytes = <usize>word(record, Field.inStep) << 2;
  const stride = word(record, PointwiseField.strideWidth);
  const before = <usize>word(record, PointwiseField.before) << 2;
  const channels = <usize>word(record, PointwiseField.channels) << 2;
  const row = outY * word(record, PointwiseField.strideHeight) * word(record, Field.inWidth);
  let to = <usize>word(record, Field.output) + <usize>(outY * outWidth) * outBytes;
  for (let x = 0; x < outWidth; x++) {
    const from = <usize>word(record, Field.input) + <usize>(row + x * stride) * inBytes;
    memory.fill(to, 0, outBytes);
    memory.copy(to + before, from, channels);
    to += outBytes;
  }
}

/** Softmax over a pixel's `channels` values, shifted by their maximum. One piece is one pixel. */
export function f32_softmax(record: usize, pixel: i32): void {
  const step = <usize>word(record, Field.outStep) << 2;
  const input = <usize>word(record, Field.input) + <usize>pixel * step;
  const output = <usize>word(record, Field.output) + <usize>pixel * step;
  const bytes = <usize>word(record, PointwiseField.channels) << 2;
  let best: f32 = -Infinity;
  for (let at: usize = 0; at < bytes; at += 4) best = max(best, load<f32>(input + at));
  let sum: f64 = 0;
  for (let at: usize = 0; at < bytes; at += 4) {
    const power = <f64>(load<f32>(input + at) - best) * LOG2E;
    const value = f64x2.extract_lane(exp2(f64x2.splat(power)), 0);
    sum += value;
    store<f32>(output + at, <f32>value);
  }
  for (let at: usize = 0; at < bytes; at += 4) store<f32>(output + at, <f32>(<f64>load<f32>(output + at) / sum));
  for (let at = bytes; at < step; at += 4) store<f32>(output + at, 0);
}

/** A pixel's values over their length, or over `scalar` where that is more. One piece is one pixel. */
export function f32_l2_normalize(record: usize, pixel: i32): void {
  const step = <usize>word(record, Field.outStep) << 2;
  const from = <usize>word(record, Field.input) + <usize>pixel * step;
  const to = <usize>word(record, Field.output) + <usize>pixel * step;
  let sum: f64 = 0;
  for (let at: usize = 0; at < step; at += 4) {
    const value = <f64>load<f32>(from + at);
    sum += value * value;
  }
  const length = max<f64>(sqrt<f64>(sum), <f64>reinterpret<f32>(word(record, PointwiseField.scalar)));
  for (let at: usize = 0; at < step; at += 4) store<f32>(to + at, <f32>(<f64>load<f32>(from + at) / length));
}
