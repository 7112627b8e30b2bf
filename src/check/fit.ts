import type { LayerMoments } from "./moments.js";

/** How one layer's values lie to those of training. */
export interface LayerFit {
  readonly name: string;
  /** Root mean square, over channels, of the distance between the means, in training's deviations. */
  readonly deviation: number;
  /** Variance over training's: the geometric mean over channels. */
  readonly spread: number;
  /** Root mean square of the spread's logarithm over channels. */
  readonly distortion: number;
  /** How much pictures differ from each other here, over what pictures of training did: 0 for one picture, about 1 for various ones. */
  readonly variety: number;
}

/** Beyond e^4 a ratio of variances is as bad as any. */
const MOST_LOG = 4;

const logRatio = (ratio: number) => Math.max(-MOST_LOG, Math.min(MOST_LOG, Math.log(Math.max(ratio, 1e-9))));

/** `pictures`: which of them count, as often as they are named; all unless given. */
function channelMoments({ means, squares, channels }: LayerMoments, pictures: readonly number[]) {
  const mean = new Float64Array(channels);
  const square = new Float64Array(channels);
  for (const picture of pictures) {
    const [ofMeans, ofSquares] = [means[picture]!, squares[picture]!];
    for (let channel = 0; channel < channels; channel++) {
      mean[channel] = mean[channel]! + ofMeans[channel]! / pictures.length;
      square[channel] = square[channel]! + ofSquares[channel]! / pictures.length;
    }
  }
  return { mean, square };
}

const allOf = ({ means }: LayerMoments) => means.map((_, picture) => picture);

export function fitOf(layer: LayerMoments): LayerFit {
  const { channels, means, squares } = layer;
  const { mean, square } = channelMoments(layer, allOf(layer));
  let [deviation, log, distortion, between, expected] = [0, 0, 0, 0, 0];
  for (let channel = 0; channel < channels; channel++) {
    const m = mean[channel]!;
    const ratio = logRatio(square[channel]! - m * m);
    deviation += m * m;
    log += ratio;
    distortion += ratio * ratio;
    let within = 0;
    for (const [picture, ofPicture] of means.entries()) {
      within += (squares[picture]![channel]! - ofPicture[channel]! ** 2) / means.length;
      between += (ofPicture[channel]! - m) ** 2 / Math.max(1, means.length - 1);
    }
    // What is not within pictures of training lies between them.
    expected += Math.max(0.03, 1 - within);
  }
  return {
    name: layer.name,
    deviation: Math.sqrt(deviation / channels),
    spread: Math.exp(log / channels),
    distortion: Math.sqrt(distortion / channels),
    variety: between / expected,
  };
}

/**
 * A distance between pictures' statistics and training's, over all layers: 0 where they agree, about the worst layer's deviation
 * where they do not. The square of a channel's share is log(1 + deviation^2) + log(spread)^2 / 2, twice the divergence of two normal
 * distributions where it is small.
 */
export function distance(layers: readonly LayerMoments[], pictures?: readonly number[]): number {
  let sum = 0;
  for (const layer of layers) {
    const { mean, square } = channelMoments(layer, pictures ?? allOf(layer));
    let ofLayer = 0;
    for (let channel = 0; channel < layer.channels; channel++) {
      const m = mean[channel]!;
      ofLayer += Math.log1p(m * m) + logRatio(square[channel]! - m * m) ** 2 / 2;
    }
    sum += ofLayer / layer.channels;
  }
  return Math.sqrt(sum / layers.length);
}

/** Samples of the pictures, with replacement: how far a difference would carry over to other pictures (Efron's bootstrap). */
const SAMPLES = 60;

/** Distances in each sample of the pictures. The samples are the same for each reading of as many pictures. */
const sampled = new WeakMap<readonly LayerMoments[], Float64Array>();

/** The share of samples of the pictures in which `better` is nearer to training than `worse` by more than chance; 0..1. */
export function confidence(better: readonly LayerMoments[], worse: readonly LayerMoments[]): number {
  if ((better[0]?.means.length ?? 0) === 0) return 0;
  const others = distances(worse);
  return distances(better).filter((it, sample) => it < others[sample]!).length / SAMPLES;
}

function distances(layers: readonly LayerMoments[]): Float64Array {
  const known = sampled.get(layers);
  if (known) return known;
  const count = layers[0]?.means.length ?? 0;
  let seed = 1;
  const draw = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * count);
  };
  const found = Float64Array.from({ length: SAMPLES }, () => distance(layers, Array.from({ length: count }, draw)));
  sampled.set(layers, found);
  return found;
}
