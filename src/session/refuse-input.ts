// What callers are told whose input does not fit: it comes then. See `imagesIn`.
import { isKind } from "../base/kind.js";
import { GpuInputError, OptionError, ShapeError } from "../errors.js";
import { COPY_SRC } from "../gpu/usage.js";
import { isGpuBuffer } from "./input.js";

type Shape = readonly number[];

/** Throws what is wrong with an input that holds no images. */
export function refuseInput(input: unknown, shape: Shape, stated?: Shape, gpu?: GPUDevice): never {
  if (isGpuBuffer(input)) checkBuffer(input, shape, gpu, stated);
  else checkInput(input, shape, stated);
  throw new ShapeError("The input holds no images.");
}

function checkInput(input: unknown, shape: Shape, stated?: Shape): number {
  if (!isKind(input, "Float32Array")) {
    throw new ShapeError(
      `The input must be a Float32Array or a GPUBuffer; got ${Object.prototype.toString.call(input)}.`,
    );
  }
  return countImages(input.length, shape, stated, "The input", (values) => `${values} values`);
}

function countImages(
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

function checkBuffer(
  buffer: GPUBuffer,
  shape: readonly number[],
  gpu: GPUDevice | undefined,
  stated?: readonly number[],
): number {
  if (!gpu) {
    throw new GpuInputError("One device can read a GPUBuffer: load the model with gpuDevice, the device that made it.");
  }
  if (!(buffer.usage & COPY_SRC)) {
    throw new GpuInputError("The GPUBuffer cannot be copied from: create it with usage GPUBufferUsage.COPY_SRC.");
  }
  return countImages(buffer.size / 4, shape, stated, "The GPUBuffer", (values) => `${4 * values} bytes`);
}
