import { isKind } from "../base/kind.js";
import { OptionError, ShapeError } from "../errors.js";

type Shape = readonly number[];

/**
 * How many images of the model's `shape`, [1, 3, height, width], the input holds; throws `ShapeError` for one that does not
 * hold a whole number of them. `stated`: the input's own shape, where the caller says it. Without it, four images and one of
 * twice the side are the same count of values, and taken for four images.
 */
export function checkInput(input: unknown, shape: Shape, stated?: Shape): number {
  if (!isKind(input, "Float32Array")) {
    throw new ShapeError(
      `The input must be a Float32Array or a GPUBuffer; got ${Object.prototype.toString.call(input)}.`,
    );
  }
  return countImages(input.length, shape, stated, "The input", (values) => `${values} values`);
}

export function countImages(
  length: number,
  [, ...image]: Shape,
  stated: Shape | undefined,
  what: string,
  say: (values: number) => string,
): number {
  const one = image[0]! * image[1]! * image[2]!;
  const taken = `an image is ${image.join(" x ")} f32 values = ${say(one)}, or a multiple.`;
  if (stated !== undefined) {
    if (!Array.isArray(stated)) {
      throw new OptionError(`shape is ${stated}; it must be a list such as [1, 3, 224, 224].`);
    }
    const fits = stated.length === 4 && image.every((extent, at) => extent === stated[at + 1]);
    if (!fits || stated[0]! * one !== length) {
      throw new ShapeError(`${what} has ${say(length)} and is said to be ${stated.join(" x ")}; ${taken}`);
    }
  }
  if (length > 0 && length % one === 0) return length / one;
  const side = Math.sqrt(length / image[0]!);
  const mend =
    side > 0 && Number.isInteger(side)
      ? ` ${image[0]} x ${side} x ${side} has as many: resize it, or load with inputSize: ${side}.`
      : "";
  throw new ShapeError(`${what} has ${say(length)}; ${taken}${mend}`);
}

/** By its shape: where Dawn runs in Node there is no global class. */
export function isGpuBuffer(input: unknown): input is GPUBuffer {
  return typeof input === "object" && input !== null && "mapAsync" in input && "usage" in input;
}
