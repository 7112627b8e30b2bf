import type { Weight } from "../../src/graph/network.js";
import { elementCount } from "../../src/graph/tensor.js";

/** All of a weight, in its own layout. */
export function readWeight(weight: Weight): Float32Array {
  const values = new Float32Array(elementCount(weight.shape));
  weight.read(0, weight.shape[0]!, values);
  return values;
}
