import { Queue } from "../base/queue.js";
import type { Engine, EngineStats, GpuInput, Mover, Writable } from "../engine.js";
import { DeviceUnavailableError, GpuInputError, throwIfAborted } from "../errors.js";
import type { Store } from "../host/store.js";
import { Plan } from "../plan.js";
import { allFinite } from "./all-finite.js";
import { firstReason } from "./first-reason.js";
import { median } from "./median.js";
import {
  type Choice,
  type Costs,
  type GpuRange,
  isShared,
  loads,
  pace,
  plan,
  planStream,
  predict,
  type StreamChoice,
} from "./planner.js";
import { StreamWatch } from "./stream-watch.js";
import type * as trial from "./trial.js";

/** Of a load that waits for the GPU. */
export interface Watch {
  readonly signal?: AbortSignal | null;
  /** Layers packed and pipelines compiled so far, of how many. */
  readonly onProgress?: (loaded: number, total: number) => void;
}

/** A GPU engine and where its calibration is kept. */
export interface OpenedGpu {
  readonly engine: Mover & Writable;
  /** A rasteriser on the CPU: never chosen by "auto". */
  readonly software: boolean;
  /** Adapter and whatever else a calibration depends on. */
  readonly key: string;
  /** The code that checks and measures it. */
  readonly trial: typeof trial;
}

export interface SchedulerOptions {
  readonly cpu: Engine;
  readonly device: "auto" | "cpu" | "gpu";
  readonly precision?: "f32" | "f16";
  /** Opens the GPU; rejects with the reason where there is none. Absent: there is no GPU path here. */
  readonly openGpu?: (watch: Watch) => Promise<OpenedGpu>;
  readonly store?: Store;
  readonly now?: () => number;
  /** Resolves after `ms`; replaced in tests. */
  readonly sleep?: (ms: number) => Promise<void>;
}

/** An inference on the CPU that looks at what comes between. */
export type Look = (input: Float32Array) => Promise<Float32Array>;

/** Inferences over which drift is watched, and how far the median may stray. */
const WINDOW = 20;
const DRIFT = 1.25;
/** Against flapping: inferences after a change by drift in which no other follows. Their number doubles with each change. */
const SETTLE = 50;
/** While the GPU is idle, its costs are measured again after this many inferences: the cause of a slowdown may have passed. */
const REMEASURE = 500;
/** A new plan must be this much better than the present one. */
const SWITCH_GAIN = 0.9;
const RETRY_MS = 30_000;
/** Images in flight: one on each device. */
const IN_FLIGHT = 2;

/**
 * Places stages on the CPU and the GPU, and keeps every request alive whatever the GPU does. Answers come in the order of
 * the requests; where several are asked for at once, two are in flight, each on a device. The first answers come from the
 * CPU, while the GPU is opened, checked against the CPU and measured; a plan changes only between two inferences.
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
  #stream: StreamChoice | null = null;
  /** How much slower than predicted a stream on both devices was: they share memory, heat and this thread. */
  #contention = 1;
  #watch = new StreamWatch(WINDOW);
  readonly #requests = new Queue(IN_FLIGHT);
  readonly #onCpu = new Queue();
  readonly #onGpu = new Queue();
  #started = 0;
  #flying = 0;
  #recent: { cpu: number; gpu: number }[] = [];
  /** What an input that was on the GPU already costs there beyond one that is moved in; null before it is known. */
  #writtenMs: number | null = null;
  #written: number[] = [];
  #sinceChange = 0;
  #settle = 0;
  #faults = 0;
  #calibrations = 0;
  #history: string[] = [];
  #plan: Plan | null = null;
  #closed = false;
  #wanted = false;
  #measuring = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#cpu = options.cpu;
    this.#now = options.now ?? (() => performance.now());
    this.#reason = firstReason(options);
  }

  /** With device "gpu": opens it now, or throws DeviceUnavailableError with the reason. With "auto" the first answer comes first. */
  async start(watch: Watch = {}): Promise<void> {
    if (this.#options.device !== "gpu") return;
    if (!this.#options.openGpu) throw new DeviceUnavailableError(`device "gpu": ${this.#reason}. Use "auto" or "cpu".`);
    const reason = await this.#open(watch);
    throwIfAborted(watch.signal);
    if (reason) throw new DeviceUnavailableError(`device "gpu": ${reason}. Use "auto" or "cpu".`);
  }

  get plan(): Plan {
    if (!this.#plan) {
      const { stages } = this.#cpu.network;
      const range = this.#range;
      this.#plan = new Plan(
        stages.map(({ name }, index) => ({
          stage: name,
          device: deviceOf(index, range),
          reason: this.#reason,
          ...(this.#costs ? { ms: { cpu: this.#costs.cpu[index]!, gpu: this.#costs.gpu[index]! } } : {}),
        })),
        {
          predictedMs: this.#costs ? predict(this.#costs, range) : null,
          cpuMs: this.#choice?.cpuMs ?? null,
          gpuMs: this.#choice?.gpuMs ?? null,
          stream: this.#stream && {
            devices: stages.map((_, index) => deviceOf(index, this.#stream!.range)),
            predictedMs: this.#stream.ms,
            measuredMs: this.#watch.medianMs,
            depth: this.#watch.depth,
          },
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

  /**
   * Logits of one image, which may lie on the GPU; the result is the caller's. `look`: the CPU's way through the whole network
   * in place of its own; where the GPU has a part, besides.
   */
  async run(input: Float32Array | GpuInput, look?: Look): Promise<Float32Array> {
    const { device, openGpu } = this.#options;
    // Where there never is a choice, nothing is measured: a small network's answer takes as long as a few promises.
    if ((device === "cpu" || !openGpu) && input instanceof Float32Array) {
      const last = this.#cpu.network.stages.length - 1;
      return this.#onCpu.run(async () => (look ? look(input) : (await this.#cpu.run(0, last, input)).slice()));
    }
    const result = await this.#requests.run(() => this.#infer(input, look));
    if (!this.#wanted && this.#options.device === "auto" && this.#options.openGpu) {
      this.#wanted = true;
      // After the first answer, and not before the caller has it.
      setTimeout(() => this.prepare(), 0);
    }
    return result;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#requests.idle();
    await this.#exclusively(async () => {});
    await this.#gpu?.engine.close();
    this.#gpu = null;
    await this.#cpu.close();
  }

  /** One step of a measurement, between two inferences, with both devices to itself. */
  #exclusively<T>(task: () => Promise<T>): Promise<T> {
    return this.#onCpu.run(() => this.#onGpu.run(task));
  }

  async #infer(input: Float32Array | GpuInput, look?: Look): Promise<Float32Array> {
    this.#flying++;
    const turn = ++this.#started;
    const stream = this.#flying > 1 ? this.#stream : null;
    const spent: Spent = { cpu: 0, gpu: 0, written: false };
    try {
      const logits = await this.#place(input, stream ? stream.range : this.#range, spent, look);
      // Both devices work from one thread and delay each other: single times mean nothing, only the pace of answers does.
      if (stream) this.#observeStream(stream);
      else if (!look && this.#flying === 1 && this.#started === turn) this.#observe(spent);
      return logits;
    } finally {
      this.#flying--;
      if (this.#flying === 0) this.#watch.pause();
    }
  }

  /** Runs stages of `range` on the GPU and the others on the CPU; `spent` takes the ms of each. */
  async #place(input: Float32Array | GpuInput, range: GpuRange, spent: Spent, look?: Look): Promise<Float32Array> {
    const last = this.#cpu.network.stages.length - 1;
    const timed = async (device: "cpu" | "gpu", task: () => Promise<Float32Array>) => {
      const start = this.#now();
      const output = await task();
      spent[device] += this.#now() - start;
      return output;
    };
    const onCpu = (first: number, end: number, activation: Float32Array) =>
      this.#onCpu.run(() => timed("cpu", async () => (await this.#cpu.run(first, end, activation)).slice()));
    const read = async () => (input instanceof Float32Array ? input : input.read());
    const gpu = this.#gpu;
    // An image that the GPU reads itself is not brought here for a look.
    if (look && (input instanceof Float32Array || range?.first !== 0)) {
      const image = await read();
      const looked = await this.#onCpu.run(() => look(image));
      if (!range || !gpu) return looked;
    }
    if (!range || !gpu) return onCpu(0, last, await read());
    const written = range.first === 0 && !(input instanceof Float32Array) ? input : null;
    // Kept until the GPU has answered: where it fails, the CPU goes on from here.
    const entering = written ? null : await read();
    const activation = entering && range.first > 0 ? await onCpu(0, range.first - 1, entering) : entering;
    const rest = async () => onCpu(range.first, last, activation ?? (await read()));
    // WGSL may take NaN and infinities for anything ("Differences from IEEE-754" in its text); the CPU carries them to the logits, which say so.
    if (activation && !allFinite(activation)) return rest();
    const onGpu = () =>
      activation ? gpu.engine.run(range.first, range.last, activation) : written!.run(gpu.engine, range.last);
    let leaving: Float32Array;
    try {
      leaving = await this.#onGpu.run(() => timed("gpu", onGpu));
      spent.written = written !== null;
    } catch (error) {
      if (!(error instanceof GpuInputError)) this.#setAside(gpu, (error as Error).message);
      return rest();
    }
    if (!allFinite(leaving)) {
      const logits = await rest();
      // Else it is the input that is no number.
      if (allFinite(logits)) this.#setAside(gpu, "it gave a value that is no number");
      return logits;
    }
    return range.last === last ? leaving : onCpu(range.last + 1, last, leaving);
  }

  /** Tries the GPU now, and not only after the first answer. */
  async prepare(): Promise<void> {
    this.#wanted = true;
    const reason = await this.#open();
    if (reason) this.#decide(null, reason);
  }

  /** Opens, checks and measures the GPU. Returns why it is not used, or null. */
  async #open(watch: Watch = {}): Promise<string | null> {
    const { openGpu, device, precision = "f32" } = this.#options;
    let opened: OpenedGpu;
    try {
      opened = await openGpu!(watch);
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
      const doubt = await opened.trial.verify(this.#cpu, opened.engine, precision, (task) => this.#exclusively(task));
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
    const costs = await opened.trial.calibrate(this.#cpu, opened.engine, exclusively, this.#now);
    await this.#options.store?.set(opened.key, JSON.stringify(costs)).catch(() => {});
    return costs;
  }

  /** Chooses by the present costs; another plan must be better than the present one by the factor `gain`. */
  #replan(gain: number): void {
    const costs = this.#costs!;
    const choice = plan(costs);
    this.#choice = choice;
    const range = choice.ms > gain * predict(costs, this.#range) ? this.#range : choice.range;
    this.#stream = planStream(costs, range, this.#contention);
    this.#watch = new StreamWatch(WINDOW);
    this.#decide(range, this.#explain(costs, range));
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
  #observe(spent: Spent): void {
    const costs = this.#costs;
    if (!costs || !this.#gpu || this.#options.device !== "auto") return;
    this.#sinceChange++;
    if (!this.#range && this.#sinceChange % REMEASURE === 0) this.#remeasure(this.#gpu);
    const range = this.#range;
    const expected = loads(costs, range);
    if (spent.written && this.#writtenMs === null) {
      this.#written.push(spent.gpu - expected.gpu);
      if (this.#written.length === WINDOW) this.#writtenMs = median(this.#written);
      return;
    }
    this.#recent.push({ cpu: spent.cpu, gpu: spent.gpu - (spent.written ? this.#writtenMs! : 0) });
    if (this.#recent.length < WINDOW) return;
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

  /** In a stream too: what was predicted is compared with the pace of answers. */
  #observeStream(stream: StreamChoice): void {
    const gpu = this.#gpu;
    if (!gpu || stream !== this.#stream) return;
    this.#sinceChange++;
    if (!stream.range && this.#sinceChange % REMEASURE === 0) this.#remeasure(gpu);
    if (!this.#watch.answered(this.#now(), this.#flying)) return;
    this.#plan = null;
    if (this.#sinceChange < this.#settle || this.#watch.medianMs! < DRIFT * stream.ms) return;
    this.#sinceChange = 0;
    this.#settle = Math.max(SETTLE, 2 * this.#settle);
    this.#remeasure(gpu, { range: stream.range, ms: this.#watch.medianMs! });
  }

  /** `slow`: a stream that was slower than predicted; what its devices' own costs do not explain is contention. */
  async #remeasure(opened: OpenedGpu, slow?: StreamChoice): Promise<void> {
    if (this.#measuring) return;
    this.#measuring = true;
    try {
      const costs = await this.#measure(opened);
      if (this.#gpu !== opened) return;
      this.#costs = costs;
      if (slow && isShared(costs, slow.range)) this.#contention = Math.max(1, slow.ms / pace(costs, slow.range));
      this.#replan(SWITCH_GAIN);
    } catch (error) {
      this.#setAside(opened, (error as Error).message);
    } finally {
      this.#measuring = false;
    }
  }

  /** Nothing where it was set aside already: another image was in flight. */
  #setAside(failed: OpenedGpu, message: string): void {
    if (this.#gpu !== failed) return;
    this.#gpu = null;
    this.#costs = null;
    this.#stream = null;
    this.#writtenMs = null;
    this.#written = [];
    this.#contention = 1;
    this.#faults++;
    failed.engine.close().catch(() => {});
    const retry = this.#faults === 1 && !this.#closed;
    this.#decide(
      null,
      `the GPU failed (${message})${retry ? "; it is tried again in 30 s" : "; it is not tried again"}`,
    );
    if (!retry) return;
    const sleep = this.#options.sleep ?? wait;
    sleep(RETRY_MS).then(() => {
      if (!this.#closed) return this.prepare();
    });
  }
}

/** Ms of one inference on each device, and whether its input was written on the GPU itself. */
interface Spent {
  cpu: number;
  gpu: number;
  written: boolean;
}

function deviceOf(stage: number, range: GpuRange): "cpu" | "gpu" {
  return range && stage >= range.first && stage <= range.last ? "gpu" : "cpu";
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
