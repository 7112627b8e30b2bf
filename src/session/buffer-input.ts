import { GpuInputError } from "../errors.js";
import { COPY_SRC } from "../gpu/usage.js";
import { countImages } from "./input.js";

/** As `checkInput`, of a buffer of f32 values. `gpu`: the device that made it, as the caller says. */
export function checkBuffer(
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
