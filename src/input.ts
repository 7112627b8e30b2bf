import { ShapeError } from "./errors.js";

/** Values of one image of `shape`; throws `ShapeError` for an input that is not one or more of them. */
export function checkInput(input: Float32Array, [, ...image]: readonly number[]): number {
  const length = image[0]! * image[1]! * image[2]!;
  if (!(input instanceof Float32Array)) {
    throw new ShapeError(`The input must be a Float32Array; got ${Object.prototype.toString.call(input)}.`);
  }
  if (input.length === 0 || input.length % length !== 0) {
    throw new ShapeError(
      `The input has ${input.length} values; an image is ${image.join(" x ")} = ${length}, or a multiple.`,
    );
  }
  return length;
}
