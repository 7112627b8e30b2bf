import type { Engine, EngineStats } from "../engine.js";
import { DeviceUnavailableError } from "../errors.js";
import { Plan } from "../plan.js";
import type { Store } from "../store.js";
import { calibrate, type Mover, median } from "./calibrate.js";
import { type Choice, type Costs, type GpuRange, plan, predict } from "./planner.js";
import { verify } from "./verify.js";

/** A GPU engine and where its calibration is kept. */
export interface OpenedGpu {
  readonly engine: Mover;
  /** A rasteriser on the CPU: never chosen by "auto". */
  readonly software: boolean;
  /** Adapter and whatever else a calibration depends on. */
  readonly key: string;
}

export interface SchedulerOptions {
  readonly cpu: Engine;
  readonly device: "auto" | "cpu" | "gpu";
  readonly precision?: "f32" | "f16";
  /** Opens the GPU; rejects with the reason where there is none. Absent: there is no GPU path here. */
  readonly openGpu?: () => Promise<OpenedGpu>;
  readonly store?: Store;
  readonly now?: () => number;
  /** Resolves after `ms`; replaced in tests. */
  readonly sleep?: (ms: number) => Promise<void>;
}

/** Inferences over which drift is watched, and how far the median may stray. */
const WINDOW = 20;
const DRIFT = 1.25;
/** After a change by drift none follows for this many inferences, and each time for twice as many: no flapping. */
const SETTLE = 50;
/** With the GPU idle its costs are measured again this often, in inferences: what slowed it down may have gone. */
const REMEASURE = 500;
/** A new plan must be this much better than the present one. */
const SWITCH_GAIN = 0.9;
const RETRY_MS = 30_000;

/**
 * Places stages on the CPU and the GPU, and keeps every request alive whatever the GPU does. Requests come one at a time.
 * The first answers come from the CPU, while the GPU is opened, checked against the CPU and measured; a plan changes only
 * between two inferences.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #cpu: Engine;
  readonly #now: () => number;
  #gpu: OpenedGpu | null = null;
  #costs: Costs | null = null;
  #choice: Choice | null = null;
  #reason: string;
  #range: GpuRange = null;
  #tail: Promise<unknown> = Promise.resolve();
  #recent: { cpu: number; gpu: number }[] = [];
  #sinceChange = 0;
  #settle = 0;
  #faults = 0;
  #calibrations = 0;
  #history: string[] = [];
  #plan: Plan | null = null;
  #closed = false;
  #wanted = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#cpu = options.cpu;
    this.#now = options.now ?? (() => performance.now());
    this.#reason =
      options.device === "cpu"
        ? "the CPU was asked for"
        : options.openGpu
          ? "the GPU is being prepared"
          : "this host has no WebGPU";
  }

  /** With device "gpu": opens it now, or throws DeviceUnavailableError with the reason. With "auto" the first answer comes first. */
  async start(): Promise<void> {
    if (this.#options.device !== "gpu") return;
    if (!this.#options.openGpu) throw new DeviceUnavailableError(`device "gpu": ${this.#reason}. Use "auto" or "cpu".`);
    const reason = await this.#open();
    if (reason) throw new DeviceUnavailableError(`device "gpu": ${reason}. Use "auto" or "cpu".`);
  }

  get plan(): Plan {
    if (!this.#plan) {
      const { stages } = this.#cpu.network;
      const range = this.#range;
      this.#plan = new Plan(
        stages.map(({ name }, index) => ({
          stage: name,
          device: range && index >= range.first && index <= range.last ? "gpu" : "cpu",
          reason: this.#reason,
          ...(this.#costs ? { ms: { cpu: this.#costs.cpu[index]!, gpu: this.#costs.gpu[index]! } } : {}),
        })),
        {
          predictedMs: this.#costs ? predict(this.#costs, range) : null,
          cpuMs: this.#choice?.cpuMs ?? null,
          gpuMs: this.#choice?.gpuMs ?? null,
          calibrationRuns: this.#calibrations,
          history: [...this.#history],
        },
      );
    }
    return this.#plan;
  }

  get stats(): EngineStats {
    const gpu = this.#gpu?.engine.stats;
    const { stats } = this.#cpu;
    return gpu ? { ...stats, gpuBytes: gpu.gpuBytes, kernels: `${stats.kernels}, ${gpu.kernels}` } : stats;
  }

  /** Logits of one image; the result is the caller's. */
  async run(input: Float32Array): Promise<Float32Array> {
    const result = await this.#exclusively(() => this.#infer(input));
    if (!this.#wanted && this.#options.device === "auto" && this.#options.openGpu) {
      this.#wanted = true;
      // After the first answer, and not before the caller has it.
      setTimeout(() => this.#prepare(), 0);
    }
    return result;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#tail.catch(() => {});
    await this.#gpu?.engine.close();
    this.#gpu = null;
    await this.#cpu.close();
  }

  /** One task at a time on the devices: an inference, or one step of a measurement between two inferences. */
  #exclusively<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => {});
    return result;
  }

  async #infer(input: Float32Array): Promise<Float32Array> {
    const last = this.#cpu.network.stages.length - 1;
    const range = this.#gpu ? this.#range : null;
    if (!range) {
      const start = this.#now();
      const logits = (await this.#cpu.run(0, last, input)).slice();
      this.#observe(this.#now() - start, 0);
      return logits;
    }
    const start = this.#now();
    let activation = input;
    if (range.first > 0) activation = (await this.#cpu.run(0, range.first - 1, activation)).slice();
    const entered = this.#now();
    let left = entered;
    try {
      const output = await this.#gpu!.engine.run(range.first, range.last, activation);
      left = this.#now();
      if (range.last === last) {
        if (output.some((value) => !Number.isFinite(value))) throw new Error("it gave a logit that is no number");
        this.#observe(entered - start, left - entered);
        return output;
      }
      const logits = (await this.#cpu.run(range.last + 1, last, output)).slice();
      this.#observe(entered - start + this.#now() - left, left - entered);
      return logits;
    } catch (error) {
      // What the GPU was given is still here: the CPU goes on from it, and nobody notices but the plan.
      const logits = (await this.#cpu.run(range.first, last, activation)).slice();
      this.#setAside((error as Error).message);
      return logits;
    }
  }

  async #prepare(): Promise<void> {
    const reason = await this.#open();
    if (reason) this.#decide(null, reason);
  }

  /** Opens, checks and measures the GPU. Returns why it is not used, or null. */
  async #open(): Promise<string | null> {
    const { openGpu, device, precision = "f32" } = this.#options;
    let opened: OpenedGpu;
    try {
      opened = await openGpu!();
    } catch (error) {
      return (error as Error).message;
    }
    const giveUp = async (reason: string) => {
      await opened.engine.close();
      return reason;
    };
    if (this.#closed) return giveUp("the model was closed");
    if (device === "auto" && opened.software) {
      return giveUp(`${opened.engine.stats.kernels} is a software adapter: the CPU's own kernels are faster`);
    }
    try {
      const doubt = await verify(this.#cpu, opened.engine, precision, (task) => this.#exclusively(task));
      if (doubt) return giveUp(doubt);
      if (device === "gpu") {
        this.#gpu = opened;
        this.#decide({ first: 0, last: this.#cpu.network.stages.length - 1 }, "the GPU was asked for");
        return null;
      }
      this.#costs = (await this.#remember(opened.key)) ?? (await this.#measure(opened));
      if (this.#closed) return giveUp("the model was closed");
    } catch (error) {
      return giveUp(`the GPU failed while it was tried: ${(error as Error).message}`);
    }
    this.#gpu = opened;
    this.#replan(1);
    return null;
  }

  async #remember(key: string): Promise<Costs | null> {
    const text = await this.#options.store?.get(key).catch(() => null);
    if (!text) return null;
    try {
      const costs = JSON.parse(text) as Costs;
      const stages = this.#cpu.network.stages.length;
      const whole = [costs.cpu, costs.gpu, costs.up, costs.down].every(
        (it) => it.length === stages && it.every((ms) => Number.isFinite(ms) && ms >= 0),
      );
      return whole && costs.wait >= 0 ? costs : null;
    } catch {
      return null;
    }
  }

  async #measure(opened: OpenedGpu): Promise<Costs> {
    const exclusively = <T>(task: () => Promise<T>) => {
      this.#calibrations++;
      return this.#exclusively(task);
    };
    const costs = await calibrate(this.#cpu, opened.engine, exclusively, this.#now);
    await this.#options.store?.set(opened.key, JSON.stringify(costs)).catch(() => {});
    return costs;
  }

  /** Chooses by the present costs; another plan must be better than the present one by the factor `gain`. */
  #replan(gain: number): void {
    const costs = this.#costs!;
    const choice = plan(costs);
    this.#choice = choice;
    if (choice.ms > gain * predict(costs, this.#range)) {
      this.#decide(this.#range, this.#explain(costs, this.#range));
      return;
    }
    this.#decide(choice.range, this.#explain(costs, choice.range));
  }

  #explain(costs: Costs, range: GpuRange): string {
    const { cpuMs, gpuMs } = this.#choice!;
    const both = `CPU ${cpuMs.toFixed(1)} ms, GPU ${gpuMs.toFixed(1)} ms`;
    const whole = range !== null && range.last - range.first + 1 === costs.cpu.length;
    if (!range) return `the CPU is faster: ${both}`;
    if (whole) return `the GPU is faster: ${both}`;
    return `both together take ${predict(costs, range).toFixed(1)} ms: ${both}`;
  }

  #decide(range: GpuRange, reason: string): void {
    const changed = range?.first !== this.#range?.first || range?.last !== this.#range?.last;
    if (changed || reason !== this.#reason) this.#history = [...this.#history.slice(-19), reason];
    if (changed) this.#sinceChange = 0;
    this.#range = range;
    this.#reason = reason;
    this.#recent = [];
    this.#plan = null;
  }

  /** Watches for drift: heat, or another page on the same device. */
  #observe(cpuMs: number, gpuMs: number): void {
    const costs = this.#costs;
    if (!costs || !this.#gpu || this.#options.device !== "auto") return;
    this.#sinceChange++;
    if (!this.#range && this.#sinceChange % REMEASURE === 0) this.#remeasure(this.#gpu);
    this.#recent.push({ cpu: cpuMs, gpu: gpuMs });
    if (this.#recent.length < WINDOW) return;
    const range = this.#range;
    const expected = expectedOf(costs, range);
    const cpu = ratio(median(this.#recent.map((it) => it.cpu)), expected.cpu);
    const gpu = ratio(median(this.#recent.map((it) => it.gpu)), expected.gpu);
    this.#recent = this.#recent.slice(1);
    const strayed = (factor: number) => factor > DRIFT || factor < 1 / DRIFT;
    if (!strayed(cpu) && !strayed(gpu)) return;
    const scale = (values: readonly number[], factor: number) => values.map((ms) => ms * factor);
    this.#costs = {
      cpu: scale(costs.cpu, cpu),
      gpu: scale(costs.gpu, gpu),
      up: scale(costs.up, gpu),
      down: scale(costs.down, gpu),
      wait: costs.wait * gpu,
    };
    if (this.#sinceChange < this.#settle) {
      this.#plan = null;
      return;
    }
    this.#replan(SWITCH_GAIN);
    if (this.#range !== range) this.#settle = Math.max(SETTLE, 2 * this.#settle);
  }

  #remeasure(opened: OpenedGpu): void {
    this.#measure(opened).then(
      (costs) => {
        if (this.#gpu !== opened) return;
        this.#costs = costs;
        this.#replan(SWITCH_GAIN);
      },
      (error) => this.#gpu === opened && this.#setAside((error as Error).message),
    );
  }

  #setAside(message: string): void {
    const failed = this.#gpu;
    this.#gpu = null;
    this.#costs = null;
    this.#faults++;
    failed?.engine.close().catch(() => {});
    const retry = this.#faults === 1 && !this.#closed;
    this.#decide(
      null,
      `the GPU failed (${message})${retry ? "; it is tried again in 30 s" : "; it is not tried again"}`,
    );
    if (!retry) return;
    const sleep = this.#options.sleep ?? wait;
    sleep(RETRY_MS).then(() => {
      if (!this.#closed) return this.#prepare();
    });
  }
}

function expectedOf(costs: Costs, range: GpuRange): { cpu: number; gpu: number } {
  const gpu = range ? predict({ ...costs, cpu: costs.cpu.map(() => 0) }, range) : 0;
  return { cpu: predict(costs, range) - gpu, gpu };
}

/** Measured over expected; 1 where nothing is expected. */
function ratio(measured: number, expected: number): number {
  return expected > 1e-6 ? measured / expected : 1;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    // In Node a retry must not keep the process alive.
    (timer as { unref?: () => void }).unref?.();
  });
}
