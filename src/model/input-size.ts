import { OptionError } from "../errors.js";
import type { Architecture } from "../graph/network.js";

/** The side of a square in pixels, or a rectangle's two. */
export type Size = number | readonly [height: number, width: number];

/** What a stem was made for: ImageNet's 224 pixels, or CIFAR's 32. */
export function defaultInputSize({ stem }: Pick<Architecture, "stem">): number {
  return stem === "3x3" ? 32 : 224;
}

/** Every layer of a residual network keeps at least one pixel of any input. Throws `OptionError` outside 1..16384. */
export function checkInputSize(size: Size): readonly [height: number, width: number] {
  const both = sides(size);
  if (both.length !== 2 || both.some((side) => !Number.isInteger(side) || side < 1 || side > 16384)) {
    throw new OptionError(
      `inputSize is ${both.length === 2 && both[0] === both[1] ? both[0] : `[${size}]`}; it must be a whole number of pixels from 1 to 16384, or [height, width].`,
    );
  }
  return both;
}

export function sides(size: Size): readonly [height: number, width: number] {
  return typeof size === "object" ? size : [size, size];
}

/** One number where both sides are equal. */
export function sizeOf([height, width]: readonly [number, number]): Size {
  return height === width ? height : [height, width];
}
