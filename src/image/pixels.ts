import { isKind } from "../base/kind.js";
import { ImageDecodeError } from "../errors.js";

/** 8-bit pixels, row by row, interleaved RGB or RGBA; alpha is ignored, as `convert("RGB")` in PIL ignores it. */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

export function isRaw<Image>(image: Image): image is Extract<Image, { data: unknown }> {
  return image !== null && typeof image === "object" && "data" in image;
}

/** Checks a caller's raw pixels; whether they are RGB or RGBA follows from their length. */
export function toPixels(image: { data: ArrayLike<number>; width: number; height: number }): Pixels {
  if (!image?.data) throw new ImageDecodeError("An image is a file, or has data, width and height.");
  const { data, width, height } = image;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new ImageDecodeError(`The image is ${width} x ${height}; it must have at least one pixel.`);
  }
  const channels = data.length / (width * height);
  if ((channels !== 3 && channels !== 4) || !isKind(data, "Uint8Array", "Uint8ClampedArray")) {
    throw new ImageDecodeError(
      `${width} x ${height} pixels are 3 or 4 bytes each in a Uint8Array, not detached; got ${data.length}.`,
    );
  }
  return { data, width, height, channels };
}
