import type { Vector, Weight } from "../graph/network.js";

/** Learned tensors by torchvision's names: read from a file, or made up. */
export interface Parameters {
  has(name: string): boolean;
  /** A convolution's or linear layer's weight of exactly this shape. */
  weight(name: string, shape: readonly number[]): Weight;
  /** An extent of a tensor that nothing else tells: the first one unless another axis is named. */
  extent(name: string, axis?: number): number;
  /** A bias, or one of BatchNorm's four vectors; finite. */
  vector(name: string, length: number): Vector;
}
