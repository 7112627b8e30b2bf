import { product } from "../base/vectors.js";
import type { Network } from "../graph/network.js";
import { softmax } from "../session/classify.js";
import type { Within } from "./asked.js";
import { type Layer, layerOf, linearOf } from "./class-map.js";

/** The layer with rows less their mean: what all classes have alike says nothing of one. Asked for once. */
const centred = new WeakMap<Network, Promise<Layer>>();

/**
 * Where the network's own classifier sees a picture: its rows, less their mean, weighted by the probabilities that it gives the views,
 * [features]. Null where the head is no pool and linear layer alone. `views`: pooled features.
 */
export async function leanOf(within: Within, views: readonly Float32Array[]): Promise<Float32Array | null> {
  const linear = linearOf(within.network);
  if (!linear || linear.weight.shape[0]! < 2) return null;
  let known = centred.get(within.network);
  if (!known) {
    known = layerOf(within, linear).then(lessMean);
    centred.set(within.network, known);
    known.catch(() => centred.delete(within.network));
  }
  const { weights, biases } = await known;
  const features = views[0]!.length;
  const lean = new Float64Array(features);
  for (const view of views) {
    const logits = biases.map((bias, index) => bias + product(weights, index * features, view, 0, features));
    for (const [index, share] of softmax(logits).entries()) {
      if (share < 1e-6) continue;
      for (let at = 0, from = index * features; at < features; at++)
        lean[at]! += (share / views.length) * weights[from + at]!;
    }
  }
  return Float32Array.from(lean);
}

/** Probabilities are the same for rows that all lack the same. */
function lessMean({ weights, biases }: Layer): Layer {
  const features = weights.length / biases.length;
  const mean = new Float64Array(features);
  for (const [at, weight] of weights.entries()) mean[at % features]! += weight / biases.length;
  return { weights: weights.map((weight, at) => weight - mean[at % features]!), biases };
}
