import { OptionError } from "../errors.js";
import type { Architecture } from "./network.js";

/** What a stem was made for: ImageNet's 224 pixels, or CIFAR's 32. */
export function defaultInputSize({ stem }: Pick<Architecture, "stem">): number {
  return stem === "3x3" ? 32 : 224;
}

/** Every layer of a residual network keeps at least one pixel of any input. Throws `OptionError` outside 1..16384. */
export function checkInputSize(size: number): number {
  if (!Number.isInteger(size) || size < 1 || size > 16384) {
    throw new OptionError(`inputSize is ${size}; it must be a whole number of pixels from 1 to 16384.`);
  }
  return size;
}
