import { ShapeError } from "./errors.js";

/** How many images of `shape` the input holds; throws `ShapeError` for one that does not hold a whole number of them. */
export function checkInput(input: unknown, [, ...image]: readonly number[]): number {
  const length = image[0]! * image[1]! * image[2]!;
  if (!(input instanceof Float32Array)) {
    throw new ShapeError(
      `The input must be a Float32Array or a GPUBuffer; got ${Object.prototype.toString.call(input)}.`,
    );
  }
  if (input.length === 0 || input.length % length !== 0) {
    throw new ShapeError(
      `The input has ${input.length} values; an image is ${image.join(" x ")} = ${length}, or a multiple.`,
    );
  }
  return input.length / length;
}

/** By its shape: where Dawn runs in Node there is no global class. */
export function isGpuBuffer(input: unknown): input is GPUBuffer {
  return typeof input === "object" && input !== null && "mapAsync" in input && "usage" in input;
}
