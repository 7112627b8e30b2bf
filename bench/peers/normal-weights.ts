import type { Network, Weight } from "../../src/graph/network.js";
import { mapLayers } from "../../src/quantize/layers.js";

/**
 * A network of uniform weights with normal ones of the same variance, as torchvision's are before training and as trained ones nearly are:
 * what an integer tile takes may depend on how many weights are large.
 */
export function withNormalWeights(network: Network): Network {
  return mapLayers(network, (layer) => ({ ...layer, weight: normal(layer.weight) }));
}

function normal(weight: Weight): Weight {
  const all = new Float32Array(weight.shape.reduce((product, extent) => product * extent, 1));
  weight.read(0, weight.shape[0]!, all);
  const row = all.length / weight.shape[0]!;
  // A folded BatchNorm has given each output channel a reach of its own.
  for (let begin = 0; begin < all.length; begin += row) {
    const values = all.subarray(begin, begin + row);
    const reach = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) * (1 + 1 / row);
    for (const [at, value] of values.entries()) values[at] = (reach / Math.sqrt(3)) * quantile(value / reach);
  }
  return {
    shape: weight.shape,
    read: (begin, end, target) => {
      for (let at = begin * row; at < end * row; at++) target[at - begin * row] = all[at]!;
    },
  };
}

/** The normal deviate that a share of (1 + x) / 2 lies below, within 0.4 %: Winitzki's approximation of the inverse error function. */
function quantile(x: number): number {
  const A = 0.147;
  const log = Math.log(1 - x * x);
  const half = 2 / (Math.PI * A) + log / 2;
  return Math.sign(x) * Math.sqrt(2 * (Math.sqrt(half * half - log / A) - half));
}
