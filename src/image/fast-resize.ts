import type { Preprocess } from "../options.js";
import type { Pixels } from "./pixels.js";
import { type Coefficients, type Region, resize, resizeTables } from "./resize.js";

/** What the module of pixels exports: see assembly/pixels/. Addresses are byte offsets into its memory. */
export interface PixelKernels {
  horizontally(
    source: number,
    stride: number,
    rows: number,
    channels: number,
    starts: number,
    weights: number,
    groups: number,
    width: number,
    target: number,
    targetStride: number,
  ): void;
  vertically(
    rows: number,
    stride: number,
    starts: number,
    weights: number,
    pairs: number,
    height: number,
    columns: number,
    target: number,
  ): void;
}

const PAGE_BYTES = 65536;
/** What a vector may be read or written beyond an end. */
const OVER = 32;
/** Source rows are copied in so many bytes at a time: as many as a core's own cache holds. */
const BAND_BYTES = 512 << 10;
/** Pictures of odd sides that need more memory between the passes are resized without. */
const MOST_BYTES = 256 << 20;

/** `resize` with the module of pixels; the same bytes. Where that cannot be had, `resize` itself. */
export function fastResizer(module: WebAssembly.Module): typeof resize {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return (...all) => resizeIn(memory, exports as unknown as PixelKernels, ...all) ?? resize(...all);
}

function resizeIn(
  memory: WebAssembly.Memory,
  kernels: PixelKernels,
  pixels: Pixels,
  width: number,
  height: number,
  region: Region,
  interpolation: Preprocess["interpolation"],
): Uint8ClampedArray | null {
  const { data, channels } = pixels;
  const { across, down, top, bottom } = resizeTables(pixels, width, height, region, interpolation);
  // Of the columns, too, no more than the region needs.
  const left = across.starts[0]!;
  const right = Math.min(across.starts[region.width - 1]! + across.taps, pixels.width);
  const rowBytes = (right - left) * channels;
  const groups = Math.ceil(across.taps / 4);
  const pairs = Math.ceil(down.taps / 2);
  const columns = 3 * region.width;
  const betweenStride = columns + OVER;
  const bandRows = Math.max(2, Math.floor(BAND_BYTES / rowBytes) & -2);

  let end = 0;
  const take = (bytes: number) => {
    const at = end;
    end += (bytes + OVER + 15) & -16;
    return at;
  };
  const acrossStarts = take(4 * region.width);
  const acrossWeights = take(16 * groups * region.width);
  const downStarts = take(4 * region.height);
  const downWeights = take(8 * pairs * region.height);
  const band = take(bandRows * rowBytes);
  // A window of an odd number of rows reads one more, with a weight of 0.
  const between = take((bottom - top + 2) * betweenStride);
  const target = take(columns * region.height);
  if (end > MOST_BYTES) return null;
  try {
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  } catch {
    return null;
  }
  const { buffer } = memory;
  const bytes = new Uint8Array(buffer);
  putStarts(new Int32Array(buffer, acrossStarts, region.width), across, left, channels);
  putWeights(new Int16Array(buffer, acrossWeights, 8 * groups * region.width), across, region.width, 4);
  putStarts(new Int32Array(buffer, downStarts, region.height), down, top, betweenStride);
  putWeights(new Int16Array(buffer, downWeights, 4 * pairs * region.height), down, region.height, 2);

  const stride = pixels.width * channels;
  for (let y = top; y < bottom; y += bandRows) {
    const rows = Math.min(bandRows, bottom - y);
    for (let row = 0; row < rows; row++) {
      const from = (y + row) * stride + left * channels;
      bytes.set(data.subarray(from, from + rowBytes), band + row * rowBytes);
    }
    const to = between + (y - top) * betweenStride;
    kernels.horizontally(
      ...[band, rowBytes, rows, channels, acrossStarts, acrossWeights, groups, region.width, to, betweenStride],
    );
  }
  kernels.vertically(between, betweenStride, downStarts, downWeights, pairs, region.height, columns, target);
  return new Uint8ClampedArray(buffer.slice(target, target + columns * region.height));
}

/** Windows' beginnings in bytes. */
function putStarts(target: Int32Array, { starts }: Coefficients, first: number, unit: number): void {
  for (let index = 0; index < target.length; index++) target[index] = (starts[index]! - first) * unit;
}

/** The low and the high parts of coefficients, `at` a time: w = 4096 * high + low. */
function putWeights(target: Int16Array, { taps, weights }: Coefficients, count: number, at: number): void {
  const groups = Math.ceil(taps / at);
  let to = 0;
  for (let index = 0; index < count; index++) {
    for (let group = 0; group < groups; group++, to += 2 * at) {
      for (let lane = 0; lane < at; lane++) {
        const tap = group * at + lane;
        const weight = tap < taps ? weights[index * taps + tap]! : 0;
        target[to + lane] = weight & 4095;
        target[to + at + lane] = weight >> 12;
      }
    }
  }
}
