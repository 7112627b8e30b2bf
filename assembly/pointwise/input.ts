import { Field, ImageField } from "../shared/record";
import { word } from "../base/words";

/**
 * The caller's planes (NCHW) to NHWC with `outStep` channels and a border of zeros, so that the stem's taps lie together
 * in memory and need no bounds. One piece of work is one row of the padded output.
 */
export function f32_input_nchw(record: usize, outY: i32): void {
  const channels = word(record, ImageField.channels);
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const outWidth = word(record, Field.outWidth);
  const pixelBytes = <usize>word(record, Field.outStep) << 2;
  const row = <usize>word(record, Field.output) + <usize>(outY * outWidth) * pixelBytes;
  const y = outY - word(record, ImageField.padHeight);
  memory.fill(row, 0, <usize>outWidth * pixelBytes);
  if (<u32>y >= <u32>inHeight) return;
  const start = row + <usize>word(record, ImageField.padWidth) * pixelBytes;
  for (let channel = 0; channel < channels; channel++) {
    let from = <usize>word(record, Field.input) + (<usize>((channel * inHeight + y) * inWidth) << 2);
    let to = start + (<usize>channel << 2);
    for (const end = from + (<usize>inWidth << 2); from < end; from += 4) {
      store<f32>(to, load<f32>(from));
      to += pixelBytes;
    }
  }
}
