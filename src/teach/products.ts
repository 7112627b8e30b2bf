import { lengthOf, type ProductsOf, type Sample } from "./fit.js";
import { gram } from "./solve.js";

/**
 * Inner products of the first `views` views of some pictures, each brought to unit length: made once for all the layers that
 * cross-validation fits, which see the same pictures again and again.
 */
export function sharedProducts(samples: readonly Sample[], features: number, views: number): ProductsOf {
  const size = samples.length * views;
  const rows = new Float64Array(size * features);
  const first = new Map<Sample, number>();
  for (const [index, sample] of samples.entries()) {
    first.set(sample, index * views);
    for (let view = 0; view < views; view++) {
      const raw = sample.views.subarray(view * features, (view + 1) * features);
      const norm = lengthOf(raw);
      const at = (index * views + view) * features;
      for (let column = 0; column < features; column++) rows[at + column] = raw[column]! / norm;
    }
  }
  const products = gram(rows, size, features);
  return (some, used) => {
    const places = some.flatMap((sample) => Array.from({ length: used }, (_, view) => first.get(sample)! + view));
    const result = new Float64Array(places.length ** 2);
    let at = 0;
    for (const a of places) for (const b of places) result[at++] = products[a * size + b]!;
    return result;
  };
}
