import { isKind } from "../base/kind.js";
import { COPY_SRC } from "../gpu/usage.js";

type Shape = readonly number[];

/**
 * How many images of the model's `shape`, [1, 3, height, width], the input holds; 0 for none, a part of one, or what `refuseInput` says.
 * `stated`: the input's own shape, where the caller says it. Without it, four images and one of twice the side are the same count of
 * values, and taken for four images. `gpu`: the device that made a buffer.
 */
export function imagesIn(input: unknown, [, ...image]: Shape, stated?: Shape, gpu?: GPUDevice): number {
  const values = isKind(input, "Float32Array")
    ? input.length
    : gpu && isGpuBuffer(input) && input.usage & COPY_SRC && input.size / 4;
  const count = (values || 0) / (image[0]! * image[1]! * image[2]!);
  const fits = stated === undefined || `${stated}` === `${[count, ...image]}`;
  return fits && Number.isInteger(count) ? count : 0;
}

/** By its shape: where Dawn runs in Node there is no global class. */
export function isGpuBuffer(input: unknown): input is GPUBuffer {
  return typeof input === "object" && input !== null && "mapAsync" in input && "usage" in input;
}
