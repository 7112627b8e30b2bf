import type { LoadWatch } from "../engine.js";
import { throwIfAborted } from "../errors.js";
import { unavailable } from "./device.js";
import type { Life } from "./life.js";
import type { Crossing, Program, Step } from "./program.js";
import { type ScopeFailure, scoped } from "./scoped.js";
import { COPY_DST, COPY_SRC, MAP_READ, STORAGE } from "./usage.js";
import type { Kernel } from "./wgsl/shader.js";

export interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

export interface ReadyStage {
  readonly enter: Dispatch | null;
  readonly dispatches: readonly Dispatch[];
  readonly leave: Dispatch | null;
  readonly input: Crossing;
  readonly output: Crossing;
}

/** Packing stays off the caller's event loop for no longer than this at a time. */
const SLICE_MS = 12;

/** A program on one device: every buffer, pipeline and bind group is made by `load`, none later. */
export class Prepared {
  readonly buffers: GPUBuffer[] = [];
  readback: GPUBuffer | null = null;
  stages: readonly ReadyStage[] = [];
  /** Of all buffers. */
  bytes = 0;

  constructor(
    private readonly gpu: GPUDevice,
    private readonly life: Life,
  ) {}

  /** Makes all of it. Throws DeviceUnavailableError where the device cannot hold it. */
  async load(program: Program, { signal, onProgress }: LoadWatch): Promise<void> {
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
      if (this.life.end) throw this.life.end;
      const { buffer, failure } = this.#createBuffer(label, bytes, STORAGE | COPY_SRC | COPY_DST, fill);
      this.buffers.push(buffer);
      failures.push(failure);
      advance();
    }
    const readable = Math.max(...program.stages.flatMap(({ input, output }) => [input.bytes, output.bytes]));
    const readback = this.#createBuffer("readback", readable, MAP_READ | COPY_DST, null);
    this.readback = readback.buffer;
    failures.push(readback.failure);

    const pipelines = new Map(await Promise.race([compiling, this.life.ended]));
    throwIfAborted(signal);
    const made = scoped(this.gpu, () => {
      const ready = (step: Step): Dispatch => this.#bind(step, pipelines.get(pipelineKey(step.kernel))!);
      this.stages = program.stages.map(({ enter, steps, leave, input, output }) => ({
        enter: enter && ready(enter),
        dispatches: steps.map(ready),
        leave: leave && ready(leave),
        input,
        output,
      }));
    });
    for (const failure of await Promise.race([Promise.all([...failures, made.failure]), this.life.ended])) {
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
    this.bytes += size;
    return { buffer, failure };
  }

  #bind({ name, kernel, buffers }: Step, pipeline: GPUComputePipeline): Dispatch {
    const bindGroup = this.gpu.createBindGroup({
      label: name,
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((index, binding) => ({ binding, resource: { buffer: this.buffers[index]! } })),
    });
    return { pipeline, bindGroup, workgroups: kernel.workgroups };
  }

  /** Of one run of stages [first, last], in order. */
  dispatchesOf(first: number, last: number): Dispatch[] {
    const stages = this.stages.slice(first, last + 1);
    const all = [stages[0]?.enter, ...stages.flatMap(({ dispatches }) => dispatches), stages.at(-1)?.leave];
    return all.filter((dispatch) => dispatch != null);
  }

  destroy(): void {
    this.stages = [];
    this.bytes = 0;
    for (const buffer of [...this.buffers.splice(0), this.readback]) buffer?.destroy();
  }
}

function pipelineKey({ code, constants }: Kernel): string {
  return code + JSON.stringify(constants);
}
