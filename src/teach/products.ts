import { lengthOf, type Sample } from "./fit.js";
import { gram } from "./solve.js";

/**
 * Inner products of the views of some pictures, each brought to unit length: once for all the layers that cross-validation fits, which
 * see the same pictures again and again.
 */
export class Products {
  readonly #first = new Map<Sample, number>();
  readonly #values: Float64Array;
  readonly #size: number;

  /** `views`: of each picture. */
  constructor(samples: readonly Sample[], features: number, views: number) {
    const size = samples.length * views;
    const rows = new Float64Array(size * features);
    for (const [index, sample] of samples.entries()) {
      this.#first.set(sample, index * views);
      for (let view = 0; view < views; view++) {
        const raw = sample.views.subarray(view * features, (view + 1) * features);
        const norm = lengthOf(raw);
        const at = (index * views + view) * features;
        for (let column = 0; column < features; column++) rows[at + column] = raw[column]! / norm;
      }
    }
    this.#size = size;
    this.#values = gram(rows, size, features);
  }

  /** Of the first `views` views of some of the pictures, row by row: [rows, rows]. */
  of(samples: readonly Sample[], views: number): Float64Array {
    const places = samples.flatMap((sample) => {
      const first = this.#first.get(sample)!;
      return Array.from({ length: views }, (_, view) => first + view);
    });
    const result = new Float64Array(places.length ** 2);
    let at = 0;
    for (const a of places) for (const b of places) result[at++] = this.#values[a * this.#size + b]!;
    return result;
  }
}
