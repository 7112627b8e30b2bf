import type { Graph, Op, ValueId, ValueShape } from "../graph/network.js";

/** Kernels with more rows or columns have too many distances. */
const LARGEST_KERNEL = 5;

/** A distance between two pixels: of two opposite ones, which are alike, the one downwards. */
interface Lag {
  readonly rows: number;
  readonly columns: number;
}

/** A layer's kernel, where what its taps read together is known: not of one pixel, which has one tap, nor of a large or a dilated one. */
export function correlatedKernel(op: Op): readonly [height: number, width: number] | null {
  if (op.kind !== "conv" || Math.max(...op.dilation) > 1) return null;
  const side = Math.max(...op.kernel);
  return side > 1 && side <= LARGEST_KERNEL ? op.kernel : null;
}

/** How far apart the pixels of each value are that one kernel reads: its sides less one. */
export function reaches({ stages }: Pick<Graph, "stages">): Map<ValueId, number> {
  const found = new Map<ValueId, number>();
  for (const op of stages.flatMap(({ ops }) => ops)) {
    const kernel = correlatedKernel(op);
    if (kernel) found.set(op.inputs[0], Math.max(...kernel, found.get(op.inputs[0]) ?? 0));
  }
  return new Map([...found].map(([value, side]) => [value, side - 1]));
}

/** Of each channel of a value, the mean product of two pixels by their distance; zeros lie around the value. */
export class Correlations {
  readonly #lags: readonly Lag[];
  /** [lag][channel] */
  readonly #means: Float64Array;

  constructor(
    private readonly channels: number,
    private readonly reach: number,
  ) {
    const range = (from: number) => Array.from({ length: reach - from + 1 }, (_, index) => from + index);
    this.#lags = range(0).flatMap((rows) => range(rows === 0 ? 0 : -reach).map((columns) => ({ rows, columns })));
    this.#means = new Float64Array(this.#lags.length * channels);
  }

  /** `values`: H x W x C, `step` apart. `pictures`: how many are added in all. */
  add(values: Float32Array, { height, width }: ValueShape, step: number, pictures: number): void {
    const { channels } = this;
    const share = 1 / (height * width * pictures);
    const sums = new Float64Array(channels);
    for (const [index, { rows, columns }] of this.#lags.entries()) {
      sums.fill(0);
      for (let row = rows; row < height; row++) {
        const last = Math.min(width, width + columns);
        for (let column = Math.max(0, columns); column < last; column++) {
          const one = (row * width + column) * step;
          const other = one - (rows * width + columns) * step;
          for (let c = 0; c < channels; c++) sums[c] = sums[c]! + values[one + c]! * values[other + c]!;
        }
      }
      for (let c = 0; c < channels; c++) {
        const at = index * channels + c;
        this.#means[at] = this.#means[at]! + sums[c]! * share;
      }
    }
  }

  /** Of a kernel's taps on one channel, [T, T]: the mean product of what two of them read. */
  between(channel: number, [height, width]: readonly [number, number]): Float64Array {
    const taps = height * width;
    const reach = this.reach;
    return Float64Array.from({ length: taps * taps }, (_, at) => {
      const [one, other] = [Math.floor(at / taps), at % taps];
      const rows = Math.floor(one / width) - Math.floor(other / width);
      const columns = (one % width) - (other % width);
      const [down, across] = rows < 0 || (rows === 0 && columns < 0) ? [-rows, -columns] : [rows, columns];
      // The first row of lags has no columns to the left.
      const lag = down === 0 ? across : reach + 1 + (down - 1) * (2 * reach + 1) + across + reach;
      return this.#means[lag * this.channels + channel]!;
    });
  }
}
