import type { Preprocess } from "../options.js";
import type { Pixels } from "./pixels.js";
import { type Coefficients, type Region, resize, resizeTables, type Size } from "./resize.js";

/** What the module of pixels exports: see assembly/pixels/. Addresses are byte offsets into its memory. */
export interface PixelKernels {
  horizontally(
    source: number,
    stride: number,
    rows: number,
    channels: number,
    starts: number,
    weights: number,
    pairs: number,
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
  toRgb(
    luma: number,
    cbNear: number,
    cbFar: number,
    crNear: number,
    crFar: number,
    across: boolean,
    down: boolean,
    width: number,
    scratch: number,
    target: number,
  ): void;
  scatter(row: number, width: number, target: number, step: number): void;
}

/** A picture whose rows come into the module's memory some at a time, as they are needed. */
export interface Rows extends Size {
  readonly channels: 3 | 4;
  /** The columns [left, right) that `put` writes. Absent: those that are needed. */
  readonly left?: number;
  readonly right?: number;
  /** Bytes of memory that it keeps beside the rows. */
  readonly room: number;
  /** All rows come at once. */
  readonly whole?: boolean;
  /** Fills that memory. */
  open?(memory: Uint8Array, room: number): void;
  /** Writes `count` rows of the columns [left, right), one behind the other; up to `OVER` bytes behind the last. */
  put(kernels: PixelKernels, memory: Uint8Array, room: number, to: number, part: Part): void;
}

export interface Part {
  readonly top: number;
  readonly count: number;
  readonly left: number;
  readonly right: number;
}

const PAGE_BYTES = 65536;
/** What may be read or written beyond an end. */
export const OVER = 64;
/** Source rows are copied in so many bytes at a time: as many as a core's own cache holds. */
const BAND_BYTES = 512 << 10;
/** Pictures of odd sides that need more memory between the passes are resized without. */
const MOST_BYTES = 256 << 20;
/** More memory than this is let go after a picture. */
const KEPT_BYTES = 8 << 20;

/** `resize` by the module of pixels: the same bytes, of rows from anywhere. */
export class Resizer {
  #memory!: WebAssembly.Memory;
  #kernels!: PixelKernels;

  constructor(private readonly module: WebAssembly.Module) {
    this.#begin();
  }

  #begin(): void {
    this.#memory = new WebAssembly.Memory({ initial: 1 });
    const { exports } = new WebAssembly.Instance(this.module, { env: { memory: this.#memory } });
    this.#kernels = exports as unknown as PixelKernels;
  }

  /** Where the module has no memory for a picture, `resize` itself does it. */
  readonly resize: typeof resize = (pixels, ...all) => this.rows(rowsOf(pixels), ...all) ?? resize(pixels, ...all);

  /** Null where there is no memory for it. */
  rows(
    source: Rows,
    width: number,
    height: number,
    region: Region,
    interpolation: Preprocess["interpolation"],
  ): Uint8ClampedArray | null {
    const { channels } = source;
    const { across, down, top, bottom, ...needed } = resizeTables(source, width, height, region, interpolation);
    const { left = needed.left, right = needed.right } = source;
    const rowBytes = (right - left) * channels;
    const acrossPairs = Math.ceil(across.taps / 2);
    const downPairs = Math.ceil(down.taps / 2);
    const columns = 3 * region.width;
    const betweenStride = columns + OVER;
    const bandRows = source.whole ? bottom - top : Math.max(4, Math.floor(BAND_BYTES / rowBytes) & -4);

    let end = 0;
    const take = (bytes: number) => {
      const at = end;
      end += (bytes + OVER + 15) & -16;
      return at;
    };
    const acrossStarts = take(4 * region.width);
    const acrossWeights = take(8 * acrossPairs * region.width);
    const downStarts = take(4 * region.height);
    const downWeights = take(8 * downPairs * region.height);
    const room = take(source.room);
    // Rows are shortened four at a time: up to three behind the last are read and written, whatever they are.
    const band = take((bandRows + 3) * rowBytes);
    // A window of an odd number of rows reads one more, with a weight of 0.
    const between = take((bottom - top + 4) * betweenStride);
    const target = take(columns * region.height);
    if (!this.#grow(end)) return null;
    const { buffer } = this.#memory;
    const bytes = new Uint8Array(buffer);
    const kernels = this.#kernels;
    putStarts(new Int32Array(buffer, acrossStarts, region.width), across, left, channels);
    putWeights(new Int16Array(buffer, acrossWeights, 4 * acrossPairs * region.width), across, region.width);
    putStarts(new Int32Array(buffer, downStarts, region.height), down, top, betweenStride);
    putWeights(new Int16Array(buffer, downWeights, 4 * downPairs * region.height), down, region.height);

    source.open?.(bytes, room);
    for (let y = top; y < bottom; y += bandRows) {
      const count = Math.min(bandRows, bottom - y);
      source.put(kernels, bytes, room, band, { top: y, count, left, right });
      const to = between + (y - top) * betweenStride;
      kernels.horizontally(
        ...[band, rowBytes, count, channels, acrossStarts, acrossWeights, acrossPairs, region.width, to, betweenStride],
      );
    }
    kernels.vertically(between, betweenStride, downStarts, downWeights, downPairs, region.height, columns, target);
    const result = new Uint8ClampedArray(buffer.slice(target, target + columns * region.height));
    if (buffer.byteLength > KEPT_BYTES) this.#begin();
    return result;
  }

  /** False where there is no memory of so many bytes. */
  #grow(bytes: number): boolean {
    if (bytes > MOST_BYTES) return false;
    try {
      const missing = bytes - this.#memory.buffer.byteLength;
      if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
      return true;
    } catch {
      return false;
    }
  }
}

/** The rows of RGB or RGBA. `part`: of the picture, where no more of it is there; `stride`: of that part. */
export function rowsOf(
  { data, width, height, channels }: Pixels,
  part: Pick<Region, "x" | "y"> = { x: 0, y: 0 },
  stride = width * channels,
): Rows {
  return {
    ...{ width, height, channels },
    room: 0,
    put(_, memory, __, to, { top, count, left, right }) {
      const bytes = (right - left) * channels;
      for (let row = 0; row < count; row++) {
        const from = (top + row - part.y) * stride + (left - part.x) * channels;
        memory.set(data.subarray(from, from + bytes), to + row * bytes);
      }
    },
  };
}

/** Windows' beginnings in bytes. */
function putStarts(target: Int32Array, { starts }: Coefficients, first: number, unit: number): void {
  for (let index = 0; index < target.length; index++) target[index] = (starts[index]! - first) * unit;
}

/** The low and the high parts of coefficients, two at a time: w = 2^15 * high + low, with the smallest low one. */
function putWeights(target: Int16Array, { taps, weights }: Coefficients, count: number): void {
  let to = 0;
  for (let index = 0; index < count; index++) {
    const end = (index + 1) * taps;
    for (let tap = index * taps; tap < end; tap += 2, to += 4) {
      const [first, second] = [weights[tap]!, tap + 1 < end ? weights[tap + 1]! : 0];
      target[to] = (first << 17) >> 17;
      target[to + 1] = (second << 17) >> 17;
      target[to + 2] = (first + 16384) >> 15;
      target[to + 3] = (second + 16384) >> 15;
    }
  }
}
