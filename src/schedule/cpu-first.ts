import { Queue } from "../base/queue.js";
import type { EngineStats, GpuInput, LoadWatch, Range } from "../engine.js";
import { DeviceUnavailableError } from "../errors.js";
import { Plan } from "../plan.js";
import { firstReason } from "./first-reason.js";
import type { Opened } from "./opened.js";
import type { Look } from "./placing.js";
import type { Scheduler, SchedulerOptions } from "./scheduler.js";

export interface CpuFirstOptions extends SchedulerOptions {
  /** The code that shares an image between devices: it comes when a GPU is there. */
  readonly loadScheduler: () => Promise<typeof Scheduler>;
}

/**
 * Answers from the CPU, as most pages do for good. With device "auto" the GPU is opened after the first answer; where there is
 * one, a `Scheduler` takes over between two inferences, and every request is its from then on.
 */
export class CpuFirst {
  readonly #options: CpuFirstOptions;
  readonly #queue = new Queue();
  #scheduler: Scheduler | null = null;
  #plan: Plan;
  #wanted = false;
  #closed = false;

  constructor(options: CpuFirstOptions) {
    this.#options = options;
    const { device, openers } = options;
    this.#wanted = device !== "auto" || !openers.gpu;
    this.#plan = this.#onCpu(firstReason(options));
  }

  /** With device "gpu": opens it now, or throws DeviceUnavailableError with the reason. */
  async start(watch: LoadWatch = {}): Promise<void> {
    const { device, openers, loadScheduler } = this.#options;
    if (device !== "gpu") return;
    if (!openers.gpu) {
      throw new DeviceUnavailableError(`device "gpu": ${firstReason(this.#options)}. Use "auto" or "cpu".`);
    }
    this.#scheduler = new (await loadScheduler())(this.#options);
    await this.#scheduler.start(watch);
  }

  get plan(): Plan {
    return this.#scheduler?.plan ?? this.#plan;
  }

  get stats(): EngineStats {
    return this.#scheduler?.stats ?? this.#options.cpu.stats;
  }

  /** As `Scheduler.run`. */
  async run(input: Float32Array | GpuInput, look?: Look, range?: Range): Promise<Float32Array> {
    if (this.#scheduler) return this.#scheduler.run(input, look, range);
    const { cpu } = this.#options;
    const logits = await this.#queue.run(async () => {
      // It took over while this request waited.
      if (this.#scheduler) return this.#scheduler.run(input, look, range);
      const image = input instanceof Float32Array ? input : await input.read();
      if (look) return look(image);
      return (await cpu.run(range?.first ?? 0, range?.last ?? cpu.network.stages.length - 1, image)).slice();
    });
    if (!this.#wanted) {
      this.#wanted = true;
      // After the first answer, and not before the caller has it.
      setTimeout(() => this.#openGpu(), 0);
    }
    return logits;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue.idle();
    await (this.#scheduler ?? this.#options.cpu).close();
  }

  async #openGpu(): Promise<void> {
    const { openers, loadScheduler } = this.#options;
    let opened: Opened | null = null;
    try {
      opened = await openers.gpu!({});
      const scheduler = new (await loadScheduler())({ ...this.#options, opened });
      // Between two inferences: an engine runs one at a time.
      await this.#queue.run(async () => {
        if (!this.#closed) this.#scheduler = scheduler;
      });
    } catch (error) {
      const { message } = error as Error;
      this.#plan = this.#onCpu(message, [message]);
    }
    if (this.#scheduler) await this.#scheduler.prepare();
    else await opened?.engine.close();
  }

  #onCpu(reason: string, history: readonly string[] = []): Plan {
    const { stages } = this.#options.cpu.network;
    return new Plan(
      stages.map(({ name }) => ({ stage: name, device: "cpu", reason })),
      { ...new Plan([]).summary, history },
    );
  }
}
