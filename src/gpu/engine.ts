import type { Accelerator, DeviceStats, Writable } from "../engine.js";
import {
  ClosedError,
  DeviceUnavailableError,
  GpuInputError,
  ResnetEdgeError,
  ShapeError,
  throwIfAborted,
} from "../errors.js";
import type { Graph } from "../graph/network.js";
import { withoutPadding } from "../graph/tensor.js";
import { adapterName, isSoftware, messageOf, probeGpu } from "./probe.js";
import { type Crossing, compile, type Program, type Step } from "./program.js";
import { type ScopeFailure, scoped } from "./scoped.js";
import { hardwareTiling, softwareTiling, type Tiling } from "./tiles.js";
import { COPY_DST, COPY_SRC, MAP_READ, READ, STORAGE } from "./usage.js";
import type { Kernel } from "./wgsl/shader.js";

export interface GpuOptions {
  /** The caller's own device: used, never destroyed. */
  readonly device?: GPUDevice;
  readonly adapter?: GPUAdapter;
  /** Where to look for an adapter; `navigator.gpu` by default. */
  readonly gpu?: GPU;
  /** "f16" stores activations and weights in halves and adds in f32. Needs the feature shader-f16. */
  readonly precision?: "f32" | "f16";
  /** How the work is cut; chosen by the adapter's kind. */
  readonly tiling?: Tiling;
  /** An inference that takes longer counts as a lost device. 10 s by default, 120 s on a software adapter. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | null;
  /** Layers packed and pipelines compiled so far, of how many. */
  readonly onProgress?: (loaded: number, total: number) => void;
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

/** Packing stays off the caller's event loop for no longer than this at a time. */
const SLICE_MS = 12;
/** Firefox polls for finished work only now and then, unless more work is submitted. */
const NUDGE_MS = 2;

/**
 * Compiles a network for a GPU: every buffer, pipeline and bind group is made here, none later.
 * Throws DeviceUnavailableError where there is no device or it cannot hold the network.
 */
export async function createGpuEngine(network: Graph, options: GpuOptions = {}): Promise<GpuEngine> {
  throwIfAborted(options.signal);
  const half = options.precision === "f16";
  const { device, own, software, name } = await openDevice(options, half);
  const engine = new WebGpuEngine(network, device, own, software, name, options);
  try {
    const storage = half ? "f16" : "f32";
    const tiling = options.tiling ?? (software ? softwareTiling : hardwareTiling);
    await engine.load(compile(network, { storage, tiling }), options);
    return engine;
  } catch (error) {
    await engine.close();
    throwIfAborted(options.signal);
    throw error instanceof ResnetEdgeError ? error : unavailable(`it could not be prepared: ${messageOf(error)}`);
  }
}

function unavailable(what: string): DeviceUnavailableError {
  return new DeviceUnavailableError(`GPU: ${what}. Use device "auto" or "cpu".`);
}

async function openDevice(options: GpuOptions, half: boolean) {
  const missing = () => unavailable(`precision "f16" needs the feature shader-f16, which this device lacks`);
  if (options.device) {
    const { device } = options;
    if (half && !device.features.has("shader-f16")) throw missing();
    const info = device.adapterInfo;
    return { device, own: false, software: isSoftware({ info }), name: adapterName(info) };
  }
  const { adapter, reason, software, name } = await probeGpu(options);
  if (!adapter) throw unavailable(reason);
  if (half && !adapter.features.has("shader-f16")) throw missing();
  try {
    const device = await adapter.requestDevice(half ? { requiredFeatures: ["shader-f16"] } : {});
    return { device, own: true, software, name };
  } catch (error) {
    throw unavailable(`requestDevice failed: ${messageOf(error)}`);
  }
}

interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

interface ReadyStage {
  readonly enter: Dispatch | null;
  readonly dispatches: readonly Dispatch[];
  readonly leave: Dispatch | null;
  readonly input: Crossing;
  readonly output: Crossing;
}

class WebGpuEngine implements GpuEngine {
  readonly device = "gpu";
  readonly network: Graph;
  readonly software: boolean;
  readonly gpu: GPUDevice;
  readonly #own: boolean;
  readonly #name: string;
  readonly #timeoutMs: number;
  readonly #onLost: ((reason: string) => void) | undefined;
  readonly #buffers: GPUBuffer[] = [];
  #readback: GPUBuffer | null = null;
  #stages: ReadyStage[] = [];
  #bytes = 0;
  #end: Error | null = null;
  #lost: string | null = null;
  /** Rejects when the engine ends, whatever it waits for. */
  readonly #ended: Promise<never>;
  #reject!: (error: Error) => void;

  constructor(
    network: Graph,
    gpu: GPUDevice,
    own: boolean,
    software: boolean,
    name: string,
    { timeoutMs, onLost }: GpuOptions,
  ) {
    this.network = network;
    this.software = software;
    this.gpu = gpu;
    this.#own = own;
    this.#name = name;
    this.#timeoutMs = timeoutMs ?? (software ? 120_000 : 10_000);
    this.#onLost = onLost;
    this.#ended = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.#ended.catch(() => {});
    gpu.lost.then(({ reason, message }) => this.#fail(`the device was lost (${message || reason})`));
  }

  get stats(): GpuStats {
    return { gpuBytes: this.#end ? 0 : this.#bytes, kernels: `webgpu ${this.#name}` };
  }

  get lost(): string | null {
    return this.#lost;
  }

  async load(program: Program, { signal, onProgress }: GpuOptions): Promise<void> {
    const kernels = new Map<string, Kernel>();
    const allSteps = program.stages.flatMap(({ enter, steps, leave }) => [enter, ...steps, leave]);
    for (const step of allSteps) if (step) kernels.set(pipelineKey(step.kernel), step.kernel);
    const total = program.buffers.length + kernels.size;
    let loaded = 0;
    const advance = () => onProgress?.(++loaded, total);

    const compiling = Promise.all(
      [...kernels].map(async ([key, kernel]) => {
        const pipeline = await this.#compile(kernel);
        advance();
        return [key, pipeline] as const;
      }),
    );
    // Awaited below; a failure before that must not go unhandled.
    compiling.catch(() => {});

    const failures: Promise<ScopeFailure | null>[] = [];
    let sliceEnd = performance.now() + SLICE_MS;
    for (const { label, bytes, fill } of program.buffers) {
      if (performance.now() > sliceEnd) {
        await new Promise((resolve) => setTimeout(resolve));
        sliceEnd = performance.now() + SLICE_MS;
      }
      throwIfAborted(signal);
      if (this.#end) throw this.#end;
      const { buffer, failure } = this.#createBuffer(label, bytes, STORAGE | COPY_SRC | COPY_DST, fill);
      this.#buffers.push(buffer);
      failures.push(failure);
      advance();
    }
    const readable = Math.max(...program.stages.flatMap(({ input, output }) => [input.bytes, output.bytes]));
    const readback = this.#createBuffer("readback", readable, MAP_READ | COPY_DST, null);
    this.#readback = readback.buffer;
    failures.push(readback.failure);

    const pipelines = new Map(await Promise.race([compiling, this.#ended]));
    throwIfAborted(signal);
    const made = scoped(this.gpu, () => {
      const ready = (step: Step): Dispatch => this.#bind(step, pipelines.get(pipelineKey(step.kernel))!);
      this.#stages = program.stages.map(({ enter, steps, leave, input, output }) => ({
        enter: enter && ready(enter),
        dispatches: steps.map(ready),
        leave: leave && ready(leave),
        input,
        output,
      }));
    });
    for (const failure of await Promise.race([Promise.all([...failures, made.failure]), this.#ended])) {
      if (failure) throw unavailable(failure.message);
    }
  }

  async #compile(kernel: Kernel): Promise<GPUComputePipeline> {
    const { value: module, failure } = scoped(this.gpu, () =>
      this.gpu.createShaderModule({ label: kernel.name, code: kernel.code }),
    );
    const pipeline = await this.gpu.createComputePipelineAsync({
      label: kernel.name,
      layout: "auto",
      compute: { module, entryPoint: "main", constants: kernel.constants },
    });
    const reason = await failure;
    if (reason) throw unavailable(`${kernel.name}: ${reason.message}`);
    return pipeline;
  }

  #createBuffer(label: string, bytes: number, usage: number, fill: ((target: ArrayBuffer) => void) | null) {
    const limit = Math.min(this.gpu.limits.maxBufferSize, this.gpu.limits.maxStorageBufferBindingSize);
    if (bytes > limit) throw unavailable(`${label} needs a buffer of ${bytes} bytes, the device allows ${limit}`);
    const size = Math.ceil(bytes / 16) * 16;
    const { value: buffer, failure } = scoped(this.gpu, () => {
      const made = this.gpu.createBuffer({ label, size, usage, mappedAtCreation: fill !== null });
      if (fill) {
        fill(made.getMappedRange());
        made.unmap();
      }
      return made;
    });
    this.#bytes += size;
    return { buffer, failure };
  }

  #bind({ name, kernel, buffers }: Step, pipeline: GPUComputePipeline): Dispatch {
    const bindGroup = this.gpu.createBindGroup({
      label: name,
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((index, binding) => ({ binding, resource: { buffer: this.#buffers[index]! } })),
    });
    return { pipeline, bindGroup, workgroups: kernel.workgroups };
  }

  dispatches(first: number, last: number): number {
    return this.#dispatchesOf(first, last).length;
  }

  #dispatchesOf(first: number, last: number): Dispatch[] {
    const stages = this.#stages.slice(first, last + 1);
    const all = [stages[0]?.enter, ...stages.flatMap(({ dispatches }) => dispatches), stages.at(-1)?.leave];
    return all.filter((dispatch) => dispatch != null);
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
      this.gpu.queue.writeBuffer(this.#buffers[buffer]!, offset, bytes);
    };
  }

  async runWritten(last: number, write: (encoder: GPUCommandEncoder, image: GPUBuffer) => void): Promise<Float32Array> {
    const bytes = this.#stages[0]?.input.bytes ?? 0;
    const feed = ({ buffer }: Crossing, encoder: GPUCommandEncoder) => {
      try {
        write(encoder, this.#buffers[buffer]!);
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
    if (this.#end) throw this.#end;
    const input = this.#stages[first]?.input;
    const output = work ? this.#stages[last]?.output : input;
    if (!input || !output || first > last) {
      throw new ShapeError(`stages ${first} to ${last}: this network has stages 0 to ${this.#stages.length - 1}`);
    }
    if (bytes !== input.bytes) {
      throw new ShapeError(`stage ${first} takes ${input.bytes / 4} values, and was given ${bytes / 4}`);
    }
    const readback = this.#readback!;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let nudge: ReturnType<typeof setInterval> | undefined;
    try {
      const submitted = scoped(this.gpu, () => {
        const encoder = this.gpu.createCommandEncoder();
        feed(input, encoder);
        if (work) this.#encode(encoder.beginComputePass(), first, last);
        encoder.copyBufferToBuffer(this.#buffers[output.buffer]!, output.offset, readback, 0, output.bytes);
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
      const [failure] = await Promise.race([Promise.all([submitted.failure, submitted.value]), late, this.#ended]);
      if (failure) throw new (written && failure.validation ? GpuInputError : Error)(failure.message);
      const mapped = new Float32Array(readback.getMappedRange(0, output.bytes));
      const result = work ? this.#unpad(mapped, last) : mapped.slice(0, 0);
      readback.unmap();
      return result;
    } catch (error) {
      if (error instanceof GpuInputError && !this.#end) {
        readback.unmap();
        throw error;
      }
      this.#fail(messageOf(error));
      throw this.#end ?? error;
    } finally {
      clearTimeout(timer);
      clearInterval(nudge);
    }
  }

  #encode(pass: GPUComputePassEncoder, first: number, last: number): void {
    for (const { pipeline, bindGroup, workgroups } of this.#dispatchesOf(first, last)) {
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

  #fail(reason: string): void {
    if (this.#end) return;
    this.#lost = reason;
    this.#finish(unavailable(reason));
    this.#onLost?.(reason);
  }

  async close(): Promise<void> {
    if (!this.#end) this.#finish(new ClosedError("The GPU engine was closed."));
  }

  #finish(error: Error): void {
    this.#end = error;
    this.#reject(error);
    // A device that is lost may refuse even this.
    try {
      for (const buffer of [...this.#buffers, this.#readback]) buffer?.destroy();
      if (this.#own) this.gpu.destroy();
    } catch {}
    this.#buffers.length = 0;
    this.#stages = [];
  }
}

function pipelineKey({ code, constants }: Kernel): string {
  return code + JSON.stringify(constants);
}
