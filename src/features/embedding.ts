import { UnsupportedModelError } from "../errors.js";
import type { Graph, ValueShape } from "../graph/network.js";

/** The stage whose output is pooled: the last one before the head. Throws `UnsupportedModelError` where there is none. */
export function lastBefore({ stages }: Graph, origin: string): number {
  if (stages.length > 1) return stages.length - 2;
  throw new UnsupportedModelError(`${origin} has a single stage: there are no features before its answer.`);
}

/**
 * What the head's pool makes of the last stage's activation, [C]: the largest of each channel where it is a global max pool, else the
 * mean. For a head of a pool and a linear layer it is what that layer reads. `values`: NHWC as it crosses the seam.
 */
export function pooled({ stages }: Graph, values: Float32Array, { height, width, channels }: ValueShape): Float32Array {
  const largest = stages.at(-1)!.ops[0]!.kind === "globalMaxPool";
  const pixels = height * width;
  const step = values.length / pixels;
  const result = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    let made = largest ? Number.NEGATIVE_INFINITY : 0;
    for (let at = channel; at < values.length; at += step) {
      made = largest ? Math.max(made, values[at]!) : made + values[at]!;
    }
    result[channel] = largest ? made : made / pixels;
  }
  return result;
}
