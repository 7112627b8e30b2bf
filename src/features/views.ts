import { both } from "../image/preprocess.js";
import type { Preprocess } from "../options.js";

/** How many there are of a picture. */
export const VIEWS = 6;
/** How much nearer the second view looks. */
const NEARER = 1.25;

/**
 * Views of one picture: as the preprocessing has it, its middle from nearer, and the whole of it squashed into the crop. Each has a
 * mirror image beside it.
 */
export function viewSpecs(preprocess: Preprocess): readonly Preprocess[] {
  const { resize, crop } = preprocess;
  const { width, height } = both(crop);
  const larger = (side: number) => Math.round(NEARER * side);
  const near = typeof resize === "number" ? larger(resize) : ([larger(resize[0]), larger(resize[1])] as const);
  return [preprocess, { ...preprocess, resize: near }, { ...preprocess, resize: [height, width], mode: "squash" }];
}

/** Mirrors [3, H, W] planes of that width. */
export function mirrored(planes: Float32Array, width: number): Float32Array {
  const result = planes.slice();
  for (let row = 0; row < planes.length; row += width) result.subarray(row, row + width).reverse();
  return result;
}
