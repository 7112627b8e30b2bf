import { OptionError } from "../errors.js";
import type { Preprocess } from "../options.js";
import type { Pixels } from "./pixels.js";
import { type Region, resize } from "./resize.js";

/**
 * An image to a network's input as torchvision does on PIL images: Resize(short side), CenterCrop, scale to 0..1,
 * normalise. Returns [3, crop, crop], planes.
 */
export function preprocess(pixels: Pixels, spec: Preprocess): Float32Array {
  const crop = square(spec.crop);
  const rgb = cropped(pixels, spec);
  const plane = crop * crop;
  const result = new Float32Array(3 * plane);
  for (const [channel, { scale, shift }] of normalisation(spec).entries()) {
    for (let at = 0; at < plane; at++) result[channel * plane + at] = rgb[3 * at + channel]! * scale - shift;
  }
  return result;
}

/** Of each channel: a byte times `scale`, less `shift`. */
export function normalisation({ mean, std }: Preprocess): { readonly scale: number; readonly shift: number }[] {
  return std.map((deviation, channel) => ({ scale: 1 / (255 * deviation), shift: mean[channel]! / deviation }));
}

/** How an image of any size comes to a crop: its size after the resize, and which part of that lies where in the crop. */
export interface Framing {
  readonly width: number;
  readonly height: number;
  readonly region: Region;
  /** Of the region in the crop, which is larger where the resized image is too small for it. */
  readonly left: number;
  readonly top: number;
}

export function frame(size: { readonly width: number; readonly height: number }, spec: FramingSpec): Framing {
  const [crop, resize] = [square(spec.crop), square(spec.resize)];
  const short = Math.min(size.width, size.height);
  const scaled = (side: number) => (side === short ? resize : Math.trunc((resize * side) / short));
  const width = scaled(size.width);
  const height = scaled(size.height);
  const left = offset(width, crop);
  const top = offset(height, crop);
  const region = {
    x: Math.max(0, left),
    y: Math.max(0, top),
    width: Math.min(width, crop),
    height: Math.min(height, crop),
  };
  return { width, height, region, left: Math.max(0, -left), top: Math.max(0, -top) };
}

type FramingSpec = Pick<Preprocess, "resize" | "crop">;

/** The resized and cropped image, 8-bit RGB, crop x crop. Where the resized image is smaller than the crop, zeros surround it. */
export function cropped(pixels: Pixels, spec: FramingSpec & Pick<Preprocess, "interpolation">): Uint8ClampedArray {
  const crop = square(spec.crop);
  const { width, height, region, left, top } = frame(pixels, spec);
  const inner = resize(pixels, width, height, region, spec.interpolation);
  if (region.width === crop && region.height === crop) return inner;
  const result = new Uint8ClampedArray(3 * crop * crop);
  for (let y = 0; y < region.height; y++) {
    const at = 3 * ((y + top) * crop + left);
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

/** Until rectangles are framed too. */
export function square(size: Preprocess["crop"]): number {
  if (typeof size === "number") return size;
  throw new OptionError(`A size of [${size}] is not supported yet; give one number.`);
}
