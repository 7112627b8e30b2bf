import type { Preprocess } from "../options.js";
import type { Pixels } from "./pixels.js";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A rectangle of the resized image, which alone is computed. */
export interface Region extends Size {
  readonly x: number;
  readonly y: number;
}

/** PIL keeps coefficients as integers of this many fractional bits: 32 less 8 for the pixel and 2 for sign and overshoot. */
export const PRECISION_BITS = 22;

interface Filter {
  readonly support: number;
  readonly at: (x: number) => number;
}

const filters: Readonly<Record<Exclude<Preprocess["interpolation"], "nearest">, Filter>> = {
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing", with a = -0.5.
  bicubic: {
    support: 2,
    at: (signed) => {
      const x = Math.abs(signed);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
    },
  },
};

/**
 * Resizes to `width` x `height` as PIL's `Image.resize` does: a filter stretched over the source pixels that an output pixel
 * covers, fixed-point coefficients, rows before columns, 8 bits between. RGB out, of `region` only.
 */
export function resize(
  pixels: Pixels,
  width: number,
  height: number,
  region: Region,
  interpolation: Preprocess["interpolation"],
): Uint8ClampedArray {
  const { across, down, top, bottom } = resizeTables(pixels, width, height, region, interpolation);
  const rows = horizontally(pixels, across, region.width, top, bottom);
  return vertically(rows, down, region.width, region.height, top);
}

/** The coefficients of `resize`, and the source's rows [top, bottom) and columns [left, right) that the region needs. */
export function resizeTables(
  from: Size,
  width: number,
  height: number,
  region: Region,
  interpolation: Preprocess["interpolation"],
) {
  const across = coefficients(from.width, width, region.x, region.width, interpolation);
  const down = coefficients(from.height, height, region.y, region.height, interpolation);
  const bottom = Math.min(down.starts[region.height - 1]! + down.taps, from.height);
  const right = Math.min(across.starts[region.width - 1]! + across.taps, from.width);
  return { across, down, left: across.starts[0]!, right, top: down.starts[0]!, bottom };
}

export interface Coefficients {
  /** First source pixel of each output pixel. */
  readonly starts: Int32Array;
  /** Source pixels for each output pixel. */
  readonly taps: number;
  /** [output][taps], in units of 2^-22. */
  readonly weights: Int32Array;
}

function coefficients(
  from: number,
  to: number,
  first: number,
  count: number,
  interpolation: Preprocess["interpolation"],
): Coefficients {
  const scale = from / to;
  const starts = new Int32Array(count);
  if (interpolation === "nearest") {
    // PIL walks by repeated addition, and its rounding decides where a centre falls on the line between two pixels.
    let center = scale * 0.5;
    for (let index = -first; index < count; index++, center += scale) {
      if (index >= 0) starts[index] = Math.min(from - 1, Math.floor(center));
    }
    return { starts, taps: 1, weights: new Int32Array(count).fill(1 << PRECISION_BITS) };
  }
  const filter = filters[interpolation];
  const stretch = Math.max(scale, 1);
  const support = filter.support * stretch;
  // The most whole numbers in a window of that width, however its ends are rounded. PIL has room for more, which stay 0.
  const taps = Math.min(from, Math.trunc(2 * support + 1.01));
  const weights = new Int32Array(count * taps);
  const exact = new Float64Array(taps);
  for (let index = 0; index < count; index++) {
    const center = (first + index + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let tap = 0; tap < end - start; tap++) {
      exact[tap] = filter.at((tap + start - center + 0.5) / stretch);
      sum += exact[tap]!;
    }
    // Windows are as wide as the widest: one at the far edge starts earlier, with zero weights, so as not to read past it.
    const shift = Math.max(0, start + taps - from);
    starts[index] = start - shift;
    for (let tap = 0; tap < end - start; tap++) {
      const value = (exact[tap]! / sum) * (1 << PRECISION_BITS);
      weights[index * taps + tap + shift] = Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
    }
  }
  return { starts, taps, weights };
}

function horizontally(
  pixels: Pixels,
  across: Coefficients,
  width: number,
  top: number,
  bottom: number,
): Uint8ClampedArray {
  const { data, channels } = pixels;
  const { starts, taps, weights } = across;
  const result = new Uint8ClampedArray((bottom - top) * width * 3);
  let to = 0;
  for (let y = top; y < bottom; y++) {
    const row = y * pixels.width * channels;
    for (let x = 0; x < width; x++) {
      let at = row + starts[x]! * channels;
      let red = 1 << (PRECISION_BITS - 1);
      let green = red;
      let blue = red;
      for (let weight = x * taps, end = weight + taps; weight < end; weight++) {
        const w = weights[weight]!;
        red += data[at]! * w;
        green += data[at + 1]! * w;
        blue += data[at + 2]! * w;
        at += channels;
      }
      result[to] = red >> PRECISION_BITS;
      result[to + 1] = green >> PRECISION_BITS;
      result[to + 2] = blue >> PRECISION_BITS;
      to += 3;
    }
  }
  return result;
}

function vertically(
  rows: Uint8ClampedArray,
  down: Coefficients,
  width: number,
  height: number,
  top: number,
): Uint8ClampedArray {
  const { starts, taps, weights } = down;
  const stride = width * 3;
  const result = new Uint8ClampedArray(height * stride);
  for (let y = 0; y < height; y++) {
    const start = (starts[y]! - top) * stride;
    for (let x = 0; x < stride; x++) {
      let sum = 1 << (PRECISION_BITS - 1);
      let at = start + x;
      for (let tap = 0; tap < taps; tap++) {
        sum += rows[at]! * weights[y * taps + tap]!;
        at += stride;
      }
      result[y * stride + x] = sum >> PRECISION_BITS;
    }
  }
  return result;
}
