import type { Preprocess } from "../options.js";
import type { Pixels } from "./pixels.js";
import { resize } from "./resize.js";

/**
 * An image to a network's input as torchvision does on PIL images: Resize(short side), CenterCrop, scale to 0..1,
 * normalise. Returns [3, crop, crop], planes.
 */
export function preprocess(pixels: Pixels, spec: Preprocess): Float32Array {
  const { crop, mean, std } = spec;
  const rgb = cropped(pixels, spec);
  const plane = crop * crop;
  const result = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / (255 * std[channel]!);
    const shift = mean[channel]! / std[channel]!;
    for (let at = 0; at < plane; at++) result[channel * plane + at] = rgb[3 * at + channel]! * scale - shift;
  }
  return result;
}

/** The resized and cropped image, 8-bit RGB, crop x crop. Where the resized image is smaller than the crop, zeros surround it. */
export function cropped(
  pixels: Pixels,
  spec: Pick<Preprocess, "resize" | "crop" | "interpolation">,
): Uint8ClampedArray {
  const { crop } = spec;
  const short = Math.min(pixels.width, pixels.height);
  const scaled = (side: number) => (side === short ? spec.resize : Math.trunc((spec.resize * side) / short));
  const width = scaled(pixels.width);
  const height = scaled(pixels.height);
  const left = offset(width, crop);
  const top = offset(height, crop);
  const region = {
    x: Math.max(0, left),
    y: Math.max(0, top),
    width: Math.min(width, crop),
    height: Math.min(height, crop),
  };
  const inner = resize(pixels, width, height, region, spec.interpolation);
  if (region.width === crop && region.height === crop) return inner;
  const result = new Uint8ClampedArray(3 * crop * crop);
  for (let y = 0; y < region.height; y++) {
    const at = 3 * ((y + Math.max(0, -top)) * crop + Math.max(0, -left));
    result.set(inner.subarray(3 * y * region.width, 3 * (y + 1) * region.width), at);
  }
  return result;
}

/** Where the crop starts: CenterCrop's `int(round((side - crop) / 2))`, a half to the even; its padding is `(crop - side) // 2`. */
function offset(side: number, crop: number): number {
  if (side < crop) return -Math.floor((crop - side) / 2);
  const half = (side - crop) / 2;
  const down = Math.floor(half);
  return half - down === 0.5 && down % 2 === 1 ? down + 1 : down;
}
