import type { GpuInput, GpuReader, Writable } from "../engine.js";
import { GpuInputError } from "../errors.js";
import type { Frame } from "../image/frame.js";
import type { Preprocess } from "../options.js";
import { Frames } from "./frames.js";
import { messageOf } from "./probe.js";
import { scoped } from "./scoped.js";
import { COPY_DST, MAP_READ, READ } from "./usage.js";

/** `bytes` of the caller's buffer from `offset` on: f32 planes. `gpu`: the device that made the buffer. */
export function bufferInput(gpu: GPUDevice, buffer: GPUBuffer, offset: number, bytes: number): GpuInput {
  return {
    async run(engine, last) {
      if (engine.gpu !== gpu) throw refused("it is another device's");
      return engine.runWritten(last, (encoder, image) => encoder.copyBufferToBuffer(buffer, offset, image, 0, bytes));
    },
    async read() {
      const staging = gpu.createBuffer({ label: "input", size: bytes, usage: MAP_READ | COPY_DST });
      try {
        const { value, failure } = scoped(gpu, () => {
          const encoder = gpu.createCommandEncoder();
          encoder.copyBufferToBuffer(buffer, offset, staging, 0, bytes);
          gpu.queue.submit([encoder.finish()]);
          return staging.mapAsync(READ);
        });
        const [reason] = await Promise.all([failure, value]);
        if (reason) throw new Error(reason.message);
        return new Float32Array(staging.getMappedRange().slice(0));
      } catch (cause) {
        throw refused(messageOf(cause), cause);
      } finally {
        staging.destroy();
      }
    },
  };
}

function refused(reason: string, cause?: unknown): GpuInputError {
  return new GpuInputError(
    `The GPUBuffer could not be read: ${reason}. It must be a live, unmapped buffer of the device in options.gpuDevice.`,
    { cause },
  );
}

/** Video frames of one model, for whichever device runs. */
export class FrameInputs implements GpuReader<Frame> {
  readonly #made = new Map<GPUDevice, Promise<Frames>>();

  constructor(private readonly spec: Preprocess) {}

  async run(frame: Frame, engine: Writable, last: number): Promise<Float32Array> {
    const frames = await this.#on(engine.gpu).catch((cause) => {
      throw new GpuInputError(`Video frames cannot be prepared on this GPU: ${messageOf(cause)}`, { cause });
    });
    return engine.runWritten(last, (encoder, image) => frames.write(encoder, frame, image));
  }

  #on(gpu: GPUDevice): Promise<Frames> {
    let frames = this.#made.get(gpu);
    if (!frames) {
      frames = Frames.create(gpu, this.spec);
      this.#made.set(gpu, frames);
    }
    return frames;
  }

  async close(): Promise<void> {
    for (const made of this.#made.values()) (await made.catch(() => null))?.close();
  }
}
