import type { Platform } from "./base/platform.js";
import type { Graph } from "./graph/network.js";

/** Every device that a stage can run on, by name. A further one is a name here and an engine. */
export type DeviceName = "cpu" | "gpu";
/** Devices beside the CPU, which answers before they are there and when they fail. */
export type AcceleratorName = Exclude<DeviceName, "cpu">;

/**
 * The seam between the scheduler and a device. An engine holds one network, prepared stage by stage, and runs a contiguous
 * range of its stages. It knows nothing of images, labels or other devices; nothing above it knows of tiles or pipelines.
 *
 * An activation crosses the seam as f32 in NHWC, batch 1, with channels padded to a multiple of four by zeros. The first
 * stage's input is an exception: it is NCHW without padding, as callers hand it in. So is the last stage's output: NHWC without
 * padding, which is [classes] at a classifier's end, and a whole map of features where no pool stands before it.
 */
export interface Engine {
  readonly device: DeviceName;
  readonly network: Graph;
  /**
   * Runs stages [first, last] on `input`. The result may be a view of the engine's own memory: it holds until the next
   * run of this engine. An engine runs one range at a time; the caller queues.
   */
  run(first: number, last: number, input: Float32Array): Promise<Float32Array>;
  readonly stats: DeviceStats;
  /** Frees everything that the engine holds. Safe to call twice. */
  close(): Promise<void>;
}

/** Stages that one inference runs, in place of all of them. */
export interface Range {
  /** Behind the first stage of all, the CPU alone runs them. */
  readonly first: number;
  readonly last: number;
}

/** What callers see of a model's devices, all of them together. */
export interface EngineStats {
  /** Bytes of WebAssembly memory, at its largest (memory never shrinks). */
  readonly wasmBytes: number;
  /** Bytes of GPU buffers; 0 while no GPU is in use. */
  readonly gpuBytes: number;
  /** Threads of the CPU. */
  readonly threads: number;
  /** Why that many. */
  readonly threadsReason: string;
  /** Which module or adapter runs: "wasm relaxed-simd 6x8" (and its tile), "webgpu <adapter>". */
  readonly kernels: string;
  /** Timings taken at load to choose kernels; 0 where an earlier load's were used, or where there was nothing to choose. */
  readonly measurements: number;
}

/** What one device says of itself: its kernels, and those of the other fields that are its own. */
export interface DeviceStats extends Partial<EngineStats> {
  readonly kernels: string;
}

/** The CPU's engine, which every session has: what it says is whole without another device. */
export interface FirstEngine extends Engine {
  readonly stats: EngineStats;
}

/** An engine beside the CPU's. Activations are moved to it and back, and its moves can be timed apart from its work. */
export interface Accelerator extends Engine {
  readonly device: AcceleratorName;
  /** Takes a stage's input in and out again: an upload, an empty submit and a readback of as many bytes. */
  echo(stage: number, input: Float32Array): Promise<void>;
}

/** What a caller that waits for an accelerator gives. */
export interface LoadWatch {
  readonly signal?: AbortSignal | null;
  /** Layers packed and pipelines compiled so far, of how many. */
  readonly onProgress?: (loaded: number, total: number) => void;
}

/** An engine on WebGPU that lets others write its image. */
export interface Writable {
  /** The device that it runs on. */
  readonly gpu: Platform<"GPUDevice">;
  /**
   * As `run` from the first stage on, on an image that `write` brings into the engine's own buffer by commands of the same
   * submit: f32, NCHW, from the buffer's start. What `write` throws, and what WebGPU finds wrong with its commands, is thrown
   * as a GpuInputError, and the engine lives on.
   */
  runWritten(
    last: number,
    write: (encoder: Platform<"GPUCommandEncoder">, image: Platform<"GPUBuffer">) => void,
  ): Promise<Float32Array>;
}

/** One image that can get to the GPU without passing through the CPU. */
export interface GpuInput {
  /** Runs stages 0 to `last` on it. Throws `GpuInputError` where this GPU cannot take it: `read` may still. */
  run(engine: Writable, last: number): Promise<Float32Array>;
  /** The same values on the CPU. */
  read(): Promise<Float32Array>;
}

/** Images of one kind that the GPU reads where they lie, such as video frames. What they need there is made at the first one. */
export interface GpuReader<Image> {
  /** As `GpuInput.run`. */
  run(image: Image, engine: Writable, last: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Whether a `GpuInput` can be given to this engine. Any other device gets what `read` gives. */
export function isWritable<Given extends Engine>(engine: Given): engine is Given & Writable {
  return "runWritten" in engine;
}
