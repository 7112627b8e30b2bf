import type { Vector } from "./network.js";

/** A vector whose values are made when they are read first, and kept: they are few. */
export function lazyVector(length: number, needs: number, make: () => Float64Array): Vector {
  let values: Float64Array | undefined;
  const read = () => {
    values ??= make();
    return values;
  };
  return { length, needs, read };
}

/** How much of the file must be here before all of these can be read. */
export function needsOf(...vectors: readonly (Vector | null)[]): number {
  return Math.max(0, ...vectors.map((vector) => vector?.needs ?? 0));
}
