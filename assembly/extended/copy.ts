import { BoxField, PadField, PadMode, ReshapeField } from "../shared/extended";
import { Field } from "../shared/record";
import { word } from "../base/words";

/**
 * A box of elements from one image to another, with any strides: concatenation, slices, transposes, channel shuffles. The outermost axis
 * goes in pieces.
 */
export function f32_copy_box(record: usize, piece: i32): void {
  const in1 = bytesOf(record, BoxField.inStride1);
  const out1 = bytesOf(record, BoxField.outStride1);
  const in2 = bytesOf(record, BoxField.inStride2);
  const out2 = bytesOf(record, BoxField.outStride2);
  const in3 = bytesOf(record, BoxField.inStride3);
  const out3 = bytesOf(record, BoxField.outStride3);
  const count1 = word(record, BoxField.count1);
  const count2 = word(record, BoxField.count2);
  const count3 = word(record, BoxField.count3);
  const zerosBegin = bytesOf(record, BoxField.zerosBegin);
  const zerosCount = word(record, BoxField.zerosCount);
  const begin = bytesOf(record, BoxField.inBegin) + <usize>piece * bytesOf(record, BoxField.inStride0);
  let from = <usize>word(record, Field.input) + begin;
  let to = <usize>word(record, Field.output) + bytesOf(record, BoxField.outBegin);
  to += <usize>piece * bytesOf(record, BoxField.outStride0);
  const together = in3 == 4 && out3 == 4;
  for (let pixel = 0; pixel < count1; pixel++) {
    let a = from;
    let b = to;
    for (let outer = 0; outer < count2; outer++) {
      if (together) copyRun(a, b, count3);
      else {
        let source = a;
        let target = b;
        for (let inner = 0; inner < count3; inner++) {
          store<f32>(target, load<f32>(source));
          source += in3;
          target += out3;
        }
      }
      a += in2;
      b += out2;
    }
    for (let zero = 0; zero < zerosCount; zero++) store<f32>(to + zerosBegin + (<usize>zero << 2), 0);
    from += in1;
    to += out1;
  }
}

/** A word that counts elements, in bytes; it may be below zero. */
// @ts-ignore: decorator
@inline
function bytesOf(record: usize, field: i32): usize {
  return <usize>(word(record, field) << 2);
}

/** Elements that lie together. */
function copyRun(from: usize, to: usize, count: i32): void {
  for (; count >= 4; count -= 4, from += 16, to += 16) v128.store(to, v128.load(from));
  for (; count > 0; count--, from += 4, to += 4) store<f32>(to, load<f32>(from));
}

/** The same elements in row-major order under other extents. One piece is one row of the output. */
export function f32_reshape(record: usize, outY: i32): void {
  const inChannels = word(record, ReshapeField.inChannels);
  const outChannels = word(record, ReshapeField.outChannels);
  const inStep = word(record, Field.inStep);
  const outStep = word(record, Field.outStep);
  const outWidth = word(record, Field.outWidth);
  const first = outY * outWidth * outChannels;
  const input = <usize>word(record, Field.input);
  let to = <usize>word(record, Field.output) + (<usize>(outY * outWidth * outStep) << 2);
  let pixel = first / inChannels;
  let channel = first - pixel * inChannels;
  for (let x = 0; x < outWidth; x++) {
    let at = to;
    for (let left = outChannels; left > 0; ) {
      const run = min(left, inChannels - channel);
      copyRun(input + (<usize>(pixel * inStep + channel) << 2), at, run);
      at += <usize>run << 2;
      left -= run;
      channel += run;
      if (channel < inChannels) continue;
      channel = 0;
      pixel++;
    }
    to += <usize>outStep << 2;
    for (; at < to; at += 4) store<f32>(at, 0);
  }
}

/** An image with a border. One piece is one row of the output. */
export function f32_pad(record: usize, outY: i32): void {
  const mode = word(record, PadField.mode);
  const value = reinterpret<f32>(word(record, PadField.value));
  const inChannels = word(record, PadField.inChannels);
  const outChannels = word(record, PadField.outChannels);
  const inWidth = word(record, Field.inWidth);
  const inStep = word(record, Field.inStep);
  const outWidth = word(record, Field.outWidth);
  const outStep = word(record, Field.outStep);
  const before = word(record, PadField.beforeChannels);
  const left = word(record, PadField.beforeWidth);
  const y = sourceOf(outY - word(record, PadField.beforeHeight), word(record, Field.inHeight), mode);
  const input = <usize>word(record, Field.input);
  let to = <usize>word(record, Field.output) + (<usize>(outY * outWidth * outStep) << 2);
  for (let outX = 0; outX < outWidth; outX++) {
    const x = sourceOf(outX - left, inWidth, mode);
    const isOutside = y < 0 || x < 0;
    const from = input + (<usize>((y * inWidth + x) * inStep) << 2);
    let at = to;
    if (!isOutside && before == 0 && inChannels == outChannels) {
      copyRun(from, at, inStep);
      at += <usize>outStep << 2;
    } else {
      for (let channel = 0; channel < outChannels; channel++, at += 4) {
        const source = sourceOf(channel - before, inChannels, mode);
        store<f32>(at, isOutside || source < 0 ? value : load<f32>(from + (<usize>source << 2)));
      }
    }
    to += <usize>outStep << 2;
    for (; at < to; at += 4) store<f32>(at, 0);
  }
}

/** Which of an axis's elements stands at `at`; below zero where none does. */
function sourceOf(at: i32, length: i32, mode: i32): i32 {
  if (<u32>at < <u32>length) return at;
  if (mode == PadMode.constant) return -1;
  if (mode == PadMode.edge || length == 1) return at < 0 ? 0 : length - 1;
  // Mirrored as often as it takes: with a period of twice the length, less the two ends.
  const period = 2 * (length - 1);
  at = (at % period + period) % period;
  return at < length ? at : period - at;
}
