import { finish, mostOf } from "./activation";
import { ConvField, Field } from "../shared/record";
import { DepthwiseField } from "../shared/extended";
import { leastOf, madd } from "../base/simd";
import {
  strip3s1x4, strip3s1x7, strip3s2x4, strip3s2x7, strip5s1x4, strip5s1x7, strip5s2x4, strip5s2x7,
} from "./strips";
import { word } from "../base/words";

/**
 * f32 convolution of each channel with a window of its own, 3x3 or 5x5, NHWC; padding is at most half of the window. One piece is one
 * output row. The last strip of columns repeats some of those before it where they do not come out even.
 */
export function f32_depthwise(record: usize, outY: i32): void {
  const kernel = word(record, ConvField.kernelHeight);
  const stride = word(record, ConvField.strideHeight);
  const strip = word(record, DepthwiseField.strip);
  const inWidth = word(record, Field.inWidth);
  const outWidth = word(record, Field.outWidth);
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  const lineBytes = <usize>inWidth * pixelBytes;
  const y = outY * stride - word(record, ConvField.padHeight);
  const first = max(0, -y);
  const rows = min(kernel, word(record, Field.inHeight) - y) - first;
  const line = <usize>word(record, Field.input) + <usize>(y + first) * lineBytes;
  const weights = <usize>word(record, Field.weights) + (<usize>(first * kernel) << 4);
  const bias = <usize>word(record, Field.bias);
  const bytes = <usize>outWidth * pixelBytes;
  const output = <usize>word(record, Field.output) + <usize>outY * bytes;
  const least = leastOf(word(record, Field.relu));
  const most = mostOf(record);
  const columns = stride * (strip - 1) + kernel;
  const which = (kernel == 5 ? 4 : 0) | (stride == 2 ? 2 : 0) | (strip == 4 ? 1 : 0);
  for (let outX = 0; ; ) {
    const x = outX * stride - word(record, ConvField.padWidth);
    const at = line + <usize>x * pixelBytes;
    const left = max(0, -x);
    const right = max(0, x + columns - inWidth);
    const to = output + <usize>outX * pixelBytes;
    switch (which) {
      case 0:
        strip3s1x7(at, lineBytes, pixelBytes, rows, left, right, weights, bias, to, pixelBytes, least, most);
        break;
      case 1:
        strip3s1x4(at, lineBytes, pixelBytes, rows, left, right, weights, bias, to, pixelBytes, least, most);
        break;
      case 2:
        strip3s2x7(at, lineBytes, pixelBytes, rows, left, right, weights, bias, to, pixelBytes, least, most);
        break;
      case 3:
        strip3s2x4(at, lineBytes, pixelBytes, rows, left, right, weights, bias, to, pixelBytes, least, most);
        break;
      case 4:
        strip5s1x7(at, lineBytes, pixelBytes, rows, left, right, weights, bias, to, pixelBytes, least, most);
        break;
      case 5:
        strip5s1x4(at, lineBytes, pixelBytes, rows, left, right, weights, bias, to, pixelBytes, least, most);
        break;
      case 6:
        strip5s2x7(at, lineBytes, pixelBytes, rows, left, right, weights, bias, to, pixelBytes, least, most);
        break;
      default:
        strip5s2x4(at, lineBytes, pixelBytes, rows, left, right, weights, bias, to, pixelBytes, least, most);
    }
    outX += strip;
    if (outX >= outWidth) break;
    outX = min(outX, outWidth - strip);
  }
  finish(record, output, 1, bytes, bytes);
}

/** As `f32_depthwise`, with any window, stride, padding and dilation, and a summand. */
export function f32_depthwise_any(record: usize, outY: i32): void {
  const kernelHeight = word(record, ConvField.kernelHeight);
  const kernelWidth = word(record, ConvField.kernelWidth);
  const dilationHeight = word(record, ConvField.dilationHeight);
  const dilationWidth = word(record, ConvField.dilationWidth);
  const strideWidth = word(record, ConvField.strideWidth);
  const inHeight = word(record, Field.inHeight);
  const inWidth = word(record, Field.inWidth);
  const outWidth = word(record, Field.outWidth);
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  const across = <usize>dilationWidth * pixelBytes;
  const input = <usize>word(record, Field.input);
  const residual = <usize>word(record, Field.residual);
  const bytes = <usize>outWidth * pixelBytes;
  const distance = <usize>outY * bytes;
  const output = <usize>word(record, Field.output) + distance;
  const floor = f32x4.splat(leastOf(word(record, Field.relu)));
  const ceiling = f32x4.splat(mostOf(record));
  const top = outY * word(record, ConvField.strideHeight) - word(record, ConvField.padHeight);
  const firstY = firstWithin(top, dilationHeight);
  const endY = endWithin(top, dilationHeight, inHeight, kernelHeight);
  let left = -word(record, ConvField.padWidth);
  let to = output;
  for (let outX = 0; outX < outWidth; outX++, left += strideWidth) {
    const firstX = firstWithin(left, dilationWidth);
    const endX = endWithin(left, dilationWidth, inWidth, kernelWidth);
    let weights = <usize>word(record, Field.weights);
    let bias = <usize>word(record, Field.bias);
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      let sum = v128.load(bias);
      for (let ky = firstY; ky < endY; ky++) {
        const y = top + ky * dilationHeight;
        let at = input + <usize>(y * inWidth + left + firstX * dilationWidth) * pixelBytes + channel;
        let w = weights + (<usize>(ky * kernelWidth + firstX) << 4);
        for (let kx = firstX; kx < endX; kx++) {
          sum = madd(v128.load(at), v128.load(w), sum);
          at += across;
          w += 16;
        }
      }
      if (residual) sum = f32x4.add(sum, v128.load(residual + (to - output) + distance));
      v128.store(to, f32x4.pmin(f32x4.pmax(sum, floor), ceiling));
      weights += <usize>(kernelHeight * kernelWidth) << 4;
      bias += 16;
      to += 16;
    }
  }
  finish(record, output, 1, bytes, bytes);
}

/** The first tap of a window that begins at `at` which is not in front of the image. */
function firstWithin(at: i32, dilation: i32): i32 {
  return at < 0 ? (dilation - 1 - at) / dilation : 0;
}

/** The one after the last tap within an image of `length`. */
function endWithin(at: i32, dilation: i32, length: i32, taps: i32): i32 {
  return at < length ? min(taps, (length - 1 - at) / dilation + 1) : 0;
}
