import type { Preprocess } from "../options.js";
import type { Pixels } from "./pixels.js";
import { type Region, resize, type Size } from "./resize.js";

/**
 * An image to a network's input as torchvision and timm do on PIL images: resize, crop, scale to 0..1, normalise.
 * Returns [3, height, width] of the crop, planes.
 */
export function preprocess(pixels: Pixels, spec: Preprocess): Float32Array {
  return normalised(cropped(pixels, spec), spec);
}

/** `rgb`: [height, width, 3] of a crop. Returns its planes [3, height, width], normalised, in `result`. */
export function normalised(
  rgb: Uint8Array | Uint8ClampedArray,
  spec: Pick<Preprocess, "mean" | "std">,
  result: Float32Array = new Float32Array(rgb.length),
): Float32Array {
  // A whole number, as engines see it: places are computed from it.
  const plane = (rgb.length / 3) | 0;
  const [red, green, blue] = normalisation(spec);
  const { scale: redScale, shift: redShift } = red!;
  const { scale: greenScale, shift: greenShift } = green!;
  const { scale: blueScale, shift: blueShift } = blue!;
  for (let at = 0, from = 0; at < plane; at++) {
    result[at] = rgb[from++]! * redScale - redShift;
    result[plane + at] = rgb[from++]! * greenScale - greenShift;
    result[2 * plane + at] = rgb[from++]! * blueScale - blueShift;
  }
  return result;
}

/** Of each channel: a byte times `scale`, less `shift`. */
export function normalisation({
  mean,
  std,
}: Pick<Preprocess, "mean" | "std">): { readonly scale: number; readonly shift: number }[] {
  return std.map((deviation, channel) => ({ scale: 1 / (255 * deviation), shift: mean[channel]! / deviation }));
}

/** How an image of any size comes to a crop: its size after the resize, and which part of that lies where in the crop. */
export interface Framing extends Size {
  readonly region: Region;
  /** Of the region in the crop, which is larger where the resized image is too small for it. */
  readonly left: number;
  readonly top: number;
  readonly crop: Size;
  /** What surrounds the region: RGB. */
  readonly fill: readonly number[];
}

/** What `resize` takes beside the pixels. */
type ResizeTo = [width: number, height: number, region: Region, interpolation: Preprocess["interpolation"]];

type FramingSpec = Pick<Preprocess, "resize" | "crop" | "mode"> & Partial<Pick<Preprocess, "mean">>;

/** What of a `Preprocess` decides on a crop's 8-bit pixels. */
export type CropSpec = FramingSpec &
  Pick<Preprocess, "interpolation"> & {
    /** JPEGs may shrink while they are decoded, to no less than twice the size that they are resized to. */
    readonly fast?: boolean;
  };

export function frame(size: Size, spec: FramingSpec): Framing {
  const crop = both(spec.crop);
  const { width, height } = resized(size, spec);
  const left = offset(width, crop.width);
  const top = offset(height, crop.height);
  const region = {
    x: Math.max(0, left),
    y: Math.max(0, top),
    width: Math.min(width, crop.width),
    height: Math.min(height, crop.height),
  };
  const fill = spec.mode === "border" ? (spec.mean ?? [0, 0, 0]).map((value) => even(255 * value)) : [0, 0, 0];
  return { width, height, region, left: Math.max(0, -left), top: Math.max(0, -top), crop, fill };
}

/** Height and width, or one number for both. */
export function both(sides: number | readonly [height: number, width: number]): Size {
  const [height, width] = typeof sides === "number" ? [sides, sides] : sides;
  return { width, height };
}

/**
 * An image's size after the resize. "squash": as stated. "border": as large as fits into what is stated. "center": as small as
 * covers it; where one side is stated, torchvision's Resize cuts the long side's fraction off, and timm's rounds it.
 */
function resized(size: Size, { resize, mode }: FramingSpec): Size {
  const target = both(resize);
  if (mode === "squash" || (mode === undefined && typeof resize !== "number")) return target;
  const ratios = [size.height / target.height, size.width / target.width];
  if (mode !== "border" && target.width === target.height) {
    const short = Math.min(size.width, size.height);
    const scaled = (side: number) => (side === short ? target.width : Math.trunc((target.width * side) / short));
    return { width: scaled(size.width), height: scaled(size.height) };
  }
  const ratio = mode === "border" ? Math.max(...ratios) : Math.min(...ratios);
  const scaled = (side: number) => Math.max(1, even(side / ratio));
  return { width: scaled(size.width), height: scaled(size.height) };
}

/** The resized and cropped 8-bit RGB image. `resizer`: `resize`, or one with its bytes. Where the resized image is smaller than the crop, `fill` surrounds it. */
export function cropped(pixels: Pixels, spec: CropSpec, resizer = resize): Uint8ClampedArray {
  return croppedBy(pixels, spec, (...all) => resizer(pixels, ...all));
}

/** As `cropped`, of an image of that size which `resizer` knows: as `resize` with it. */
export function croppedBy(
  size: Size,
  spec: CropSpec,
  resizer: (...all: ResizeTo) => Uint8ClampedArray,
): Uint8ClampedArray {
  const { width, height, region, left, top, crop, fill } = frame(size, spec);
  const inner = resizer(width, height, region, spec.interpolation);
  if (region.width === crop.width && region.height === crop.height) return inner;
  const result = Uint8ClampedArray.from({ length: 3 * crop.width * crop.height }, (_, at) => fill[at % 3]!);
  for (let y = 0; y < region.height; y++) {
    const at = 3 * ((y + top) * crop.width + left);
    result.set(inner.subarray(3 * y * region.width, 3 * (y + 1) * region.width), at);
  }
  return result;
}

/** Where the crop starts: CenterCrop's `int(round((side - crop) / 2))`; its padding is `(crop - side) // 2`. */
function offset(side: number, crop: number): number {
  return side < crop ? -Math.floor((crop - side) / 2) : even((side - crop) / 2);
}

/** Python's `round`: a half to the even number. */
function even(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}
