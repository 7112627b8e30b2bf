/** A vector of the gallery and how near it is. */
export interface Neighbour {
  /** Its place among the gallery's vectors, in the order in which they were added. */
  readonly index: number;
  /** Cosine, -1 to 1. */
  readonly similarity: number;
}

/** Vectors of one length, searched by their cosine. */
export interface Gallery {
  readonly dimension: number;
  readonly length: number;
  /** [n * dimension] values, or one vector; any length but zero, since a cosine ignores it. They are copied. */
  add(vectors: Float32Array): void;
  /** The `k` vectors with the largest cosine, the nearest first; equal ones by index. The answer is exact. */
  nearest(query: Float32Array, k?: number): Neighbour[];
}
