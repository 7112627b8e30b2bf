import { GpuInputError, ShapeError } from "./errors.js";
import { COPY_SRC } from "./gpu/usage.js";

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

/** As `checkInput`, of a buffer of f32 values. `gpu`: the device that made it, as the caller says. */
export function checkBuffer(buffer: GPUBuffer, [, ...image]: readonly number[], gpu: GPUDevice | undefined): number {
  if (!gpu) {
    throw new GpuInputError(
      "The input is a GPUBuffer, which one device can read: load the model with gpuDevice, the device that made it.",
    );
  }
  if (!(buffer.usage & COPY_SRC)) {
    throw new GpuInputError("The GPUBuffer cannot be copied from: create it with usage GPUBufferUsage.COPY_SRC.");
  }
  const bytes = 4 * image[0]! * image[1]! * image[2]!;
  if (buffer.size === 0 || buffer.size % bytes !== 0) {
    throw new ShapeError(
      `The GPUBuffer has ${buffer.size} bytes; an image is ${image.join(" x ")} f32 values = ${bytes} bytes, or a multiple.`,
    );
  }
  return buffer.size / bytes;
}
