import type { Normalized, Visit } from "../cpu/observe.js";

/** A channel whose deviation in training was below this share of its layer's says nothing: its BatchNorm switched it off. */
const LEAST_DEVIATION = 0.01;

/** Pixels of a layer that are looked at: about so many, or all where they are fewer. */
const ENOUGH_PIXELS = 1024;

/** What pictures made of one BatchNorm, next to what training made of it. */
export interface LayerMoments {
  readonly name: string;
  /** Channels whose statistics say something. */
  readonly channels: number;
  /** Of each picture, [channels]: the mean, counted from training's mean in training's deviations. */
  readonly means: Float64Array[];
  /** The same of squares: 1 on average where pictures are as in training. */
  readonly squares: Float64Array[];
}

interface Kept extends LayerMoments {
  readonly indices: Int32Array;
  readonly centres: Float64Array;
  readonly scales: Float64Array;
}

/** Gathers each BatchNorm's moments, picture by picture. */
export class Moments {
  readonly #layers = new Map<string, Kept>();

  get layers(): readonly LayerMoments[] {
    return [...this.#layers.values()].filter(({ channels }) => channels > 0);
  }

  /** Drops the picture that came first. */
  forget(): void {
    for (const { means, squares } of this.#layers.values()) {
      means.shift();
      squares.shift();
    }
  }

  /** For `observe`, once per picture. */
  picture(): Visit {
    return (op, values, residual, { height, width, channels }) => {
      let layer = this.#layers.get(op.name);
      if (!layer) {
        layer = begin(op);
        this.#layers.set(op.name, layer);
      }
      add(layer, values, residual, height * width, channels);
    };
  }
}

function begin({ name, statistics }: Normalized): Kept {
  const means = statistics.mean.read();
  const deviations = statistics.deviation.read();
  const typical = Math.sqrt(deviations.reduce((sum, it) => sum + it * it, 0) / deviations.length);
  const indices = Int32Array.from(deviations.keys()).filter((c) => deviations[c]! > LEAST_DEVIATION * typical);
  return {
    name,
    channels: indices.length,
    means: [],
    squares: [],
    indices,
    centres: means,
    scales: deviations.map((it) => 1 / it),
  };
}

function add(
  { indices, centres, scales, means, squares }: Kept,
  values: Float32Array,
  residual: Float32Array | null,
  pixels: number,
  channels: number,
) {
  // An odd distance meets every column.
  const every = Math.floor(pixels / ENOUGH_PIXELS) | 1;
  const count = Math.ceil(pixels / every);
  // Channels are padded to whole vectors.
  const step = (every * values.length) / pixels;
  const sums = new Float64Array(channels);
  const sumsOfSquares = new Float64Array(channels);
  for (let pixel = 0, at = 0; pixel < count; pixel++, at += step) {
    for (let channel = 0; channel < channels; channel++) {
      const value = values[at + channel]! - (residual ? residual[at + channel]! : 0) - centres[channel]!;
      sums[channel] = sums[channel]! + value;
      sumsOfSquares[channel] = sumsOfSquares[channel]! + value * value;
    }
  }
  means.push(Float64Array.from(indices, (c) => (sums[c]! * scales[c]!) / count));
  squares.push(Float64Array.from(indices, (c) => (sumsOfSquares[c]! * scales[c]! ** 2) / count));
}
