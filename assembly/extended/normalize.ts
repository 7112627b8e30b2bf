import { clearPadding } from "./activation";
import { exp64, ln64 } from "./exponent";
import { LocalResponseField, NormalizeField } from "../shared/extended";
import { exp2, LOG2E } from "../pointwise/activation";
import { Field } from "../shared/record";
import { word } from "../base/words";

/** Over each group of channels of a pixel. One piece is one row. */
export function f32_normalize_pixel(record: usize, y: i32): void {
  const width = word(record, Field.inWidth);
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  const groups = word(record, NormalizeField.groups);
  const size = word(record, NormalizeField.channels) / groups;
  let distance = <usize>y * <usize>width * pixelBytes;
  for (let x = 0; x < width; x++) {
    for (let group = 0; group < groups; group++) normalize(record, distance, 1, pixelBytes, group * size, size);
    distance += pixelBytes;
  }
  clearRow(record, y);
}

/** Over all pixels. One piece is one group of channels. */
export function f32_normalize_image(record: usize, group: i32): void {
  const height = word(record, Field.inHeight);
  const pixels = height * word(record, Field.inWidth);
  const channels = word(record, NormalizeField.channels);
  const groups = word(record, NormalizeField.groups);
  const size = channels / groups;
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  normalize(record, 0, pixels, pixelBytes, group * size, size);
  if (group < groups - 1 || !(channels & 3)) return;
  // Other groups' channels may share the last vector.
  let at = <usize>word(record, Field.output) + (<usize>channels << 2);
  for (let pixel = 0; pixel < pixels; pixel++, at += pixelBytes) {
    for (let lane = channels & 3; lane < 4; lane++) store<f32>(at + (<usize>(lane - (channels & 3)) << 2), 0);
  }
}

function clearRow(record: usize, y: i32): void {
  const pixelBytes = <usize>word(record, Field.outStep) << 2;
  const bytes = <usize>word(record, Field.outWidth) * pixelBytes;
  clearPadding(<usize>word(record, Field.output) + <usize>y * bytes, bytes, pixelBytes, word(record, NormalizeField.channels));
}

/** `size` channels from `first` on of some pixels, from `distance` bytes on: the mean, then the mean of squared differences, in f64. */
function normalize(record: usize, distance: usize, pixels: i32, step: usize, first: i32, size: i32): void {
  const channel = <usize>first << 2;
  const from = <usize>word(record, Field.input) + distance + channel;
  const to = <usize>word(record, Field.output) + distance + channel;
  const scale = <usize>word(record, Field.weights) + channel;
  const shift = <usize>word(record, Field.bias) + channel;
  const bytes = <usize>size << 2;
  const whole = size & ~3;
  const count = <f64>pixels * <f64>size;
  const mean = sumOf(from, pixels, step, bytes, 0, false) / count;
  const variance = sumOf(from, pixels, step, bytes, mean, true) / count;
  const factor = 1.0 / sqrt<f64>(variance + <f64>reinterpret<f32>(word(record, NormalizeField.epsilon)));
  const means = f64x2.splat(mean);
  const factors = f64x2.splat(factor);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const away = <usize>pixel * step;
    let at: usize = 0;
    for (const end = <usize>whole << 2; at < end; at += 16) {
      const x = v128.load(from + away + at);
      const low = f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(x), means), factors);
      const high = f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 0)), means), factors);
      const value = i64x2.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
      v128.store(to + away + at, f32x4.add(f32x4.mul(value, v128.load(scale + at)), v128.load(shift + at)));
    }
    for (; at < bytes; at += 4) {
      const value = <f32>((<f64>load<f32>(from + away + at) - mean) * factor);
      store<f32>(to + away + at, value * load<f32>(scale + at) + load<f32>(shift + at));
    }
  }
}

/** Sums of differences to `mean`, or of their squares. */
function sumOf(from: usize, pixels: i32, step: usize, bytes: usize, mean: f64, squared: bool): f64 {
  const means = f64x2.splat(mean);
  const whole = bytes & ~15;
  let sums = f64x2.splat(0);
  let rest: f64 = 0;
  for (let pixel = 0; pixel < pixels; pixel++, from += step) {
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const x = v128.load(from + at);
      let low = f64x2.sub(f64x2.promote_low_f32x4(x), means);
      let high = f64x2.sub(f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 0)), means);
      if (squared) {
        low = f64x2.mul(low, low);
        high = f64x2.mul(high, high);
      }
      sums = f64x2.add(sums, f64x2.add(low, high));
    }
    for (; at < bytes; at += 4) {
      const difference = <f64>load<f32>(from + at) - mean;
      rest += squared ? difference * difference : difference;
    }
  }
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1) + rest;
}

/** Over what neighbouring channels have in squares. One piece is one row; scratch holds a pixel's squares between zeros. */
export function f32_local_response(record: usize, y: i32, scratch: usize): void {
  const width = word(record, Field.inWidth);
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  const size = word(record, LocalResponseField.size);
  const share = <f64>reinterpret<f32>(word(record, LocalResponseField.share));
  const bias = <f64>reinterpret<f32>(word(record, LocalResponseField.bias));
  const beta = <f64>reinterpret<f32>(word(record, LocalResponseField.beta));
  const before = <usize>((size - 1) >> 1) << 2;
  memory.fill(scratch, 0, pixelBytes + (<usize>size << 2));
  let from = <usize>word(record, Field.input) + <usize>(y * width) * pixelBytes;
  let to = <usize>word(record, Field.output) + <usize>(y * width) * pixelBytes;
  for (let x = 0; x < width; x++) {
    for (let at: usize = 0; at < pixelBytes; at += 16) {
      const value = v128.load(from + at);
      v128.store(scratch + before + at, f32x4.mul(value, value));
    }
    for (let at: usize = 0; at < pixelBytes; at += 16) {
      let sum = f32x4.splat(0);
      for (let other = 0; other < size; other++) sum = f32x4.add(sum, v128.load(scratch + at + (<usize>other << 2)));
      const low = power(f64x2.promote_low_f32x4(sum), share, bias, beta);
      const high = power(f64x2.promote_low_f32x4(i64x2.shuffle(sum, sum, 1, 0)), share, bias, beta);
      const factor = i64x2.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
      v128.store(to + at, f32x4.mul(v128.load(from + at), factor));
    }
    from += pixelBytes;
    to += pixelBytes;
  }
  clearRow(record, y);
}

/** (bias + share sum)^-beta. */
function power(sum: v128, share: f64, bias: f64, beta: f64): v128 {
  const base = f64x2.add(f64x2.splat(bias), f64x2.mul(f64x2.splat(share), sum));
  return exp64(f64x2.mul(ln64(base), f64x2.splat(-beta)));
}

/** Softmax's logarithm over a pixel's channels, shifted by their maximum. One piece is one pixel. */
export function f32_log_softmax(record: usize, pixel: i32): void {
  const step = <usize>word(record, Field.outStep) << 2;
  const input = <usize>word(record, Field.input) + <usize>pixel * step;
  const output = <usize>word(record, Field.output) + <usize>pixel * step;
  const bytes = <usize>word(record, NormalizeField.channels) << 2;
  let best: f32 = -Infinity;
  for (let at: usize = 0; at < bytes; at += 4) best = max(best, load<f32>(input + at));
  let sum: f64 = 0;
  for (let at: usize = 0; at < bytes; at += 4) {
    sum += f64x2.extract_lane(exp2(f64x2.splat(<f64>(load<f32>(input + at) - best) * LOG2E)), 0);
  }
  const logarithm = f64x2.extract_lane(ln64(f64x2.splat(sum)), 0);
  for (let at: usize = 0; at < bytes; at += 4) {
    store<f32>(output + at, <f32>(<f64>load<f32>(input + at) - <f64>best - logarithm));
  }
  for (let at = bytes; at < step; at += 4) store<f32>(output + at, 0);
}
