import type { Accelerator, DeviceStats, LoadWatch, Writable } from "../engine.js";
import { GpuInputError, ResnetEdgeError, ShapeError, throwIfAborted } from "../errors.js";
import { isExtended } from "../graph/extended-op.js";
import type { Graph } from "../graph/network.js";
import { inFloat } from "../graph/quantization.js";
import { withoutPadding } from "../graph/tensor.js";
import { type DeviceSource, type OpenedDevice, openDevice, unavailable } from "./device.js";
import { Life } from "./life.js";
import { Prepared } from "./prepared.js";
import { messageOf } from "./probe.js";
import { type Crossing, compile } from "./program.js";
import { scoped } from "./scoped.js";
import { hardwareTiling, softwareTiling, type Tiling } from "./tiles.js";
import { READ } from "./usage.js";

export interface GpuOptions extends DeviceSource, LoadWatch {
  /** "f16" stores activations and weights in halves and adds in f32. Needs the feature shader-f16. */
  readonly precision?: "f32" | "f16";
  /** How the work is cut; chosen by the adapter's kind. */
  readonly tiling?: Tiling;
  /** An inference that takes longer counts as a lost device. 10 s by default, 120 s on a software adapter. */
  readonly timeoutMs?: number;
  /** Called once when the engine has failed for good, not when it is closed. */
  readonly onLost?: (reason: string) => void;
}

/** What it says of itself. */
export interface GpuStats extends DeviceStats {
  /** Bytes of its buffers. */
  readonly gpuBytes: number;
}

export interface GpuEngine extends Accelerator, Writable {
  readonly device: "gpu";
  readonly stats: GpuStats;
  readonly software: boolean;
  /** Why the engine is dead; null while it lives. */
  readonly lost: string | null;
  /** Dispatches of one run of these stages. */
  dispatches(first: number, last: number): number;
}

/** Firefox polls for finished work only now and then, unless more work is submitted. */
const NUDGE_MS = 2;

/**
 * Compiles a network for a GPU: every buffer, pipeline and bind group is made here, none later. One of integers runs in float there.
 * Throws DeviceUnavailableError where there is no device or it cannot hold the network.
 */
export async function createGpuEngine(graph: Graph, options: GpuOptions = {}): Promise<GpuEngine> {
  throwIfAborted(options.signal);
  const network = inFloat(graph);
  const half = options.precision === "f16";
  const opened = await openDevice(options, half);
  const engine = new WebGpuEngine(network, opened, options);
  try {
    const storage = half ? "f16" : "f32";
    const tiling = options.tiling ?? (opened.software ? softwareTiling : hardwareTiling);
    const extended = isExtended(network) ? (await import("./extended.js")).extendedSteps : undefined;
    await engine.prepared.load(compile(network, { storage, tiling, extended }), options);
    return engine;
  } catch (error) {
    await engine.close();
    throwIfAborted(options.signal);
    throw error instanceof ResnetEdgeError ? error : unavailable(`it could not be prepared: ${messageOf(error)}`);
  }
}

/** Runs what is prepared: one encoder, one pass, one submit and one readback an inference. */
class WebGpuEngine implements GpuEngine {
  readonly device = "gpu";
  readonly gpu: GPUDevice;
  readonly software: boolean;
  readonly prepared: Prepared;
  readonly #name: string;
  readonly #life: Life;
  readonly #timeoutMs: number;

  constructor(
    readonly network: Graph,
    { gpu, own, software, name }: OpenedDevice,
    { timeoutMs, onLost }: GpuOptions,
  ) {
    this.gpu = gpu;
    this.software = software;
    this.#name = name;
    this.#timeoutMs = timeoutMs ?? (software ? 120_000 : 10_000);
    const free = () => {
      this.prepared.destroy();
      if (own) gpu.destroy();
    };
    this.#life = new Life(gpu, free, onLost);
    this.prepared = new Prepared(gpu, this.#life);
  }

  get stats(): GpuStats {
    return { gpuBytes: this.prepared.bytes, kernels: `webgpu ${this.#name}` };
  }

  get lost(): string | null {
    return this.#life.lost;
  }

  dispatches(first: number, last: number): number {
    return this.prepared.dispatchesOf(first, last).length;
  }

  async run(first: number, last: number, input: Float32Array): Promise<Float32Array> {
    return this.#run(first, last, input.byteLength, this.#upload(input));
  }

  async echo(stage: number, input: Float32Array): Promise<void> {
    await this.#run(stage, stage, input.byteLength, this.#upload(input), { work: false });
  }

  #upload(input: Float32Array): (to: Crossing) => void {
    return ({ buffer, offset }) => {
      // Firefox refuses uploads from shared memory.
      const bytes = input.buffer instanceof ArrayBuffer ? (input as Float32Array<ArrayBuffer>) : input.slice();
      this.gpu.queue.writeBuffer(this.prepared.buffers[buffer]!, offset, bytes);
    };
  }

  async runWritten(last: number, write: (encoder: GPUCommandEncoder, image: GPUBuffer) => void): Promise<Float32Array> {
    const bytes = this.prepared.stages[0]?.input.bytes ?? 0;
    const feed = ({ buffer }: Crossing, encoder: GPUCommandEncoder) => {
      try {
        write(encoder, this.prepared.buffers[buffer]!);
      } catch (cause) {
        throw cause instanceof GpuInputError ? cause : new GpuInputError(messageOf(cause), { cause });
      }
    };
    return this.#run(0, last, bytes, feed, { written: true });
  }

  async #run(
    first: number,
    last: number,
    bytes: number,
    feed: (input: Crossing, encoder: GPUCommandEncoder) => void,
    { work = true, written = false } = {},
  ): Promise<Float32Array> {
    if (this.#life.end) throw this.#life.end;
    const input = this.prepared.stages[first]?.input;
    const output = work ? this.prepared.stages[last]?.output : input;
    if (!input || !output || first > last) {
      throw new ShapeError(
        `stages ${first} to ${last}: this network has stages 0 to ${this.prepared.stages.length - 1}`,
      );
    }
    if (bytes !== input.bytes) {
      throw new ShapeError(`stage ${first} takes ${input.bytes / 4} values, and was given ${bytes / 4}`);
    }
    const readback = this.prepared.readback!;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let nudge: ReturnType<typeof setInterval> | undefined;
    try {
      const submitted = scoped(this.gpu, () => {
        const encoder = this.gpu.createCommandEncoder();
        feed(input, encoder);
        if (work) this.#encode(encoder.beginComputePass(), first, last);
        encoder.copyBufferToBuffer(this.prepared.buffers[output.buffer]!, output.offset, readback, 0, output.bytes);
        this.gpu.queue.submit([encoder.finish()]);
        return readback.mapAsync(READ, 0, output.bytes);
      });
      const late = new Promise<never>((_, reject) => {
        const expire = () => reject(new Error(`no answer within ${this.#timeoutMs} ms`));
        timer = setTimeout(expire, this.#timeoutMs);
      });
      if (globalThis.navigator?.userAgent?.includes("Firefox")) {
        nudge = setInterval(() => this.gpu.queue.submit([]), NUDGE_MS);
      }
      const [failure] = await Promise.race([Promise.all([submitted.failure, submitted.value]), late, this.#life.ended]);
      if (failure) throw new (written && failure.validation ? GpuInputError : Error)(failure.message);
      const mapped = new Float32Array(readback.getMappedRange(0, output.bytes));
      const result = work ? this.#unpad(mapped, last) : mapped.slice(0, 0);
      readback.unmap();
      return result;
    } catch (error) {
      if (error instanceof GpuInputError && !this.#life.end) {
        readback.unmap();
        throw error;
      }
      this.#life.fail(messageOf(error));
      throw this.#life.end ?? error;
    } finally {
      clearTimeout(timer);
      clearInterval(nudge);
    }
  }

  #encode(pass: GPUComputePassEncoder, first: number, last: number): void {
    for (const { pipeline, bindGroup, workgroups } of this.prepared.dispatchesOf(first, last)) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...workgroups);
    }
    pass.end();
  }

  /** A copy, without the padding of channels at the network's end. */
  #unpad(values: Float32Array, last: number): Float32Array {
    const { stages, values: shapes } = this.network;
    const { channels, height, width } = shapes[stages[last]!.output]!;
    return (last < stages.length - 1 ? values : withoutPadding(values, height * width, channels)).slice();
  }

  async close(): Promise<void> {
    this.#life.close();
  }
}
