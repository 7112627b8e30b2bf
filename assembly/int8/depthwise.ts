import {
  columns3s1, columns3s1wide, columns3s2, columns3s2wide, columns5s1, columns5s1wide, columns5s2, columns5s2wide,
} from "./columns";
import { leastOfIntegers } from "./store";
import { ConvField, Field, Tile } from "../shared/record";
import { word } from "../base/words";

/**
 * int8 convolution of each channel with a window of its own, 3x3 or 5x5, NHWC, bytes without a sign; one piece is one output row.
 * A record's `inStep` and `outStep` count words of four bytes. `bias` leads to the scales and biases of each eight channels. The dot
 * product of bytes takes 0..127 alone; `qs8_wide` takes 0..255. Scratch: a row of zeros.
 */
export function qs8_depthwise(record: usize, outY: i32, scratch: usize): void {
  const kernel = word(record, ConvField.kernelHeight);
  const stride = word(record, ConvField.strideHeight);
  const wide = !ASC_FEATURE_RELAXED_SIMD || word(record, Field.tile) == Tile.qs8_wide;
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const outWidth = word(record, Field.outWidth);
  const pad = word(record, ConvField.padWidth);
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  const lineBytes = <usize>inWidth * pixelBytes;
  const input = <usize>word(record, Field.input);
  const y = outY * stride - word(record, ConvField.padHeight);
  if (y < 0 || y + kernel > inHeight) memory.fill(scratch, 0, lineBytes);
  let r0 = lineAt(input, y, inHeight, lineBytes, scratch);
  let r1 = lineAt(input, y + 1, inHeight, lineBytes, scratch);
  let r2 = lineAt(input, y + 2, inHeight, lineBytes, scratch);
  let r3 = lineAt(input, y + 3, inHeight, lineBytes, scratch);
  let r4 = lineAt(input, y + 4, inHeight, lineBytes, scratch);
  let weights = <usize>word(record, Field.weights);
  let scales = <usize>word(record, Field.bias);
  // Of eight channels: of each column its rows, in fours or in pairs.
  const weightBytes: usize = wide ? (kernel == 5 ? 240 : 96) : (kernel == 5 ? 320 : 96);
  let to = <usize>word(record, Field.output) + <usize>(outY * outWidth) * pixelBytes;
  const least = leastOfIntegers(record);
  for (const end = to + pixelBytes; to < end; to += 8) {
    if (wide) {
      if (kernel == 5) {
        if (stride == 2) columns5s2wide(r0, r1, r2, r3, r4, pixelBytes, inWidth, outWidth, pad, weights, scales, to, pixelBytes, least);
        else columns5s1wide(r0, r1, r2, r3, r4, pixelBytes, inWidth, outWidth, pad, weights, scales, to, pixelBytes, least);
      } else if (stride == 2) columns3s2wide(r0, r1, r2, pixelBytes, inWidth, outWidth, pad, weights, scales, to, pixelBytes, least);
      else columns3s1wide(r0, r1, r2, pixelBytes, inWidth, outWidth, pad, weights, scales, to, pixelBytes, least);
    } else if (ASC_FEATURE_RELAXED_SIMD) {
      if (kernel == 5) {
        if (stride == 2) columns5s2(r0, r1, r2, r3, r4, pixelBytes, inWidth, outWidth, pad, weights, scales, to, pixelBytes, least);
        else columns5s1(r0, r1, r2, r3, r4, pixelBytes, inWidth, outWidth, pad, weights, scales, to, pixelBytes, least);
      } else if (stride == 2) columns3s2(r0, r1, r2, pixelBytes, inWidth, outWidth, pad, weights, scales, to, pixelBytes, least);
      else columns3s1(r0, r1, r2, pixelBytes, inWidth, outWidth, pad, weights, scales, to, pixelBytes, least);
    }
    r0 += 8;
    r1 += 8;
    r2 += 8;
    r3 += 8;
    r4 += 8;
    weights += weightBytes;
    scales += 64;
  }
}

/** A row of the image, or zeros. */
function lineAt(input: usize, y: i32, height: i32, lineBytes: usize, zeros: usize): usize {
  return <u32>y < <u32>height ? input + <usize>y * lineBytes : zeros;
}
