import { type Pixels, preprocess as prepare } from "../image/index.js";
import { both } from "../image/preprocess.js";
import type { Preprocess } from "../options.js";

/** How many there are of a picture. */
export const VIEWS = 6;
/** How much nearer the second view looks. */
const NEARER = 1.25;

/**
 * Views of one picture as inputs of the network, [3, H, W]: as the preprocessing has it, its middle from nearer, and the whole of it
 * squashed into the crop. Each is followed by its mirror image.
 */
export function* viewsOf(pixels: Pixels, preprocess: Preprocess): Generator<Float32Array> {
  const { resize, crop } = preprocess;
  const { width, height } = both(crop);
  const larger = (side: number) => Math.round(NEARER * side);
  const near = typeof resize === "number" ? larger(resize) : ([larger(resize[0]), larger(resize[1])] as const);
  for (const spec of [
    preprocess,
    { ...preprocess, resize: near },
    { ...preprocess, resize: [height, width] as const, mode: "squash" as const },
  ]) {
    const view = prepare(pixels, spec);
    yield view;
    yield mirrored(view, width);
  }
}

function mirrored(planes: Float32Array, width: number): Float32Array {
  const result = planes.slice();
  for (let row = 0; row < planes.length; row += width) result.subarray(row, row + width).reverse();
  return result;
}
