import type { Inside } from "../cpu/observe.js";
import type { Network } from "../graph/network.js";
import { type Layer, layersOf, mapLayers } from "./layers.js";
import { runRounded } from "./run.js";
import { vectorOf } from "./weights.js";

/**
 * Bias correction (Nagel et al. 2019): what rounding does to the mean of each output channel, before its ReLU, is taken off its bias. A
 * layer is looked at when those before it are corrected, for their shifts are part of its own. `means`: by layer and picture, of the
 * network in float; `inside`: of the rounded one.
 */
export function corrected(
  inside: Inside,
  network: Network,
  inputs: readonly Float32Array[],
  means: ReadonlyMap<string, readonly Float64Array[]>,
  onLayer?: () => void,
): Network {
  const shifts = new Map<string, Float64Array>();
  for (const layer of layersOf(network)) {
    const differences = inputs.map((input, picture) => {
      let found = new Float64Array(0);
      runRounded(inside, network.values, input, {
        bare(op, values, step) {
          const shift = shifts.get(op.name);
          if (shift) add(values, step, shift);
          if (op.name === layer.name && op.kind === layer.kind) {
            const expected = means.get(op.name)![picture]!;
            found = channelMeans(values, expected.length, step).map((mean, channel) => expected[channel]! - mean);
          }
        },
        until: ({ output }) => output === layer.output,
      });
      return found;
    });
    // Nothing is known of what comes before a function that the kernel computes.
    if (differences[0]!.length > 0) shifts.set(layer.name, reliableMean(differences));
    onLayer?.();
  }
  return mapLayers(network, (layer) => {
    const shift = shifts.get(layer.name);
    return shift ? withShift(layer, shift) : layer;
  });
}

function withShift(layer: Layer, shift: Float64Array): Layer {
  const bias = layer.bias?.read();
  return { ...layer, bias: vectorOf(shift.map((value, channel) => value + (bias?.[channel] ?? 0))) };
}

function add(values: Float32Array, step: number, shift: Float64Array): void {
  for (let pixel = 0; pixel < values.length; pixel += step) {
    for (let channel = 0; channel < shift.length; channel++) {
      values[pixel + channel] = values[pixel + channel]! + shift[channel]!;
    }
  }
}

/** Means of H x W x C values, [C]. */
export function channelMeans(values: Float32Array, channels: number, step: number): Float64Array {
  const sums = new Float64Array(channels);
  for (let pixel = 0; pixel < values.length; pixel += step) {
    for (let channel = 0; channel < channels; channel++) sums[channel] = sums[channel]! + values[pixel + channel]!;
  }
  return sums.map((sum) => (sum * step) / values.length);
}

/** Of pictures' differences, [C]: the mean, less the more of it may be chance (James and Stein's rule, channel by channel). */
export function reliableMean(differences: readonly Float64Array[]): Float64Array {
  const count = differences.length;
  return differences[0]!.map((_, channel) => {
    let [sum, squares] = [0, 0];
    for (const picture of differences) {
      sum += picture[channel]!;
      squares += picture[channel]! ** 2;
    }
    const mean = sum / count;
    const variance = count > 1 ? (squares / count - mean * mean) / (count - 1) : mean * mean;
    return mean === 0 ? 0 : mean * Math.max(0, 1 - variance / mean ** 2);
  });
}
