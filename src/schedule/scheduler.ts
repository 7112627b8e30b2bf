import { Queue } from "../base/queue.js";
import type { AcceleratorName, DeviceName, EngineStats, FirstEngine, GpuInput, LoadWatch, Range } from "../engine.js";
import { DeviceUnavailableError, throwIfAborted } from "../errors.js";
import type { Store } from "../host/store.js";
import type { Plan } from "../plan.js";
import { AcceleratorLife } from "./accelerator-life.js";
import { Drift, WINDOW } from "./drift.js";
import { firstReason } from "./first-reason.js";
import type { Open, Opened, Openers } from "./opened.js";
import { type Look, Placing, type Spent } from "./placing.js";
import {
  type Choice,
  type Contention,
  type Costs,
  isSame,
  isShared,
  pace,
  plan,
  planStream,
  predict,
  type StreamChoice,
  type Stretch,
  without,
} from "./planner.js";
import { explain, planOf, statsOf } from "./report.js";
import { StreamWatch } from "./stream-watch.js";

export interface SchedulerOptions {
  readonly cpu: FirstEngine;
  /** A device by its name is insisted on. */
  readonly device: "auto" | DeviceName;
  readonly precision?: "f32" | "f16";
  readonly openers: Openers;
  /** One that is open already. */
  readonly opened?: Opened;
  readonly store?: Store;
  readonly now?: () => number;
  /** Resolves after `ms`; replaced in tests. */
  readonly sleep?: (ms: number) => Promise<void>;
}

/** A new plan must be this much better than the present one. */
const SWITCH_GAIN = 0.9;
/** Images in flight: one on each device. */
const IN_FLIGHT = 2;

/**
 * Places stages on the CPU and on accelerators, and keeps every request alive whatever those do. Answers come in the order of
 * the requests; where several are asked for at once, two are in flight, each on a device. The first answers come from the
 * CPU, while accelerators are opened, checked against the CPU and measured; a plan changes only between two inferences.
 *
 * What it decides with lies beside it: `AcceleratorLife` for each device but the CPU, `Placing` for one image, `plan` for all of
 * them, `Drift` for when a plan is wrong, `planOf` for what callers are told.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #cpu: FirstEngine;
  readonly #now: () => number;
  readonly #placing: Placing;
  readonly #lives = new Map<AcceleratorName, AcceleratorLife>();
  readonly #requests = new Queue(IN_FLIGHT);
  readonly #drift = new Drift();
  /** Of the CPU and the accelerators in use. */
  #costs: Costs | null = null;
  #choice: Choice | null = null;
  #stretch: Stretch = null;
  #reason: string;
  #stream: StreamChoice | null = null;
  /** How much slower than predicted streams on two devices were: they share memory, heat and this thread. */
  #contention: Contention = {};
  #watch = new StreamWatch(WINDOW);
  #started = 0;
  #flying = 0;
  #history: string[] = [];
  /** What callers were told; null where it is out of date. */
  #plan: Plan | null = null;
  #wanted = false;

  constructor(options: SchedulerOptions) {
    const { cpu, device, openers, opened, precision = "f32", store, sleep = wait } = options;
    this.#options = options;
    this.#cpu = cpu;
    this.#now = options.now ?? (() => performance.now());
    this.#reason = firstReason(options);
    const wanted = (Object.entries(openers) as [AcceleratorName, Open | undefined][]).filter(
      ([name, open]) => open && (device === "auto" || device === name),
    );
    this.#placing = new Placing(
      cpu,
      wanted.map(([name]) => name),
      this.#now,
    );
    const exclusively = <T>(task: () => Promise<T>) => this.#placing.exclusively(task);
    const trial = { cpu, insists: device !== "auto", precision, store, now: this.#now, sleep, exclusively };
    for (const [name, open] of wanted) {
      const given = opened?.engine.device === name ? opened : null;
      this.#lives.set(name, new AcceleratorLife(name, open!, trial, given));
    }
  }

  /** With a device by its name: opens it now, or throws DeviceUnavailableError with the reason. With "auto" the first answer comes first. */
  async start(watch: LoadWatch = {}): Promise<void> {
    const { device } = this.#options;
    if (device === "auto" || device === "cpu") return;
    const life = this.#lives.get(device);
    const refused = life ? await this.#begin(life, watch) : this.#reason;
    throwIfAborted(watch.signal);
    if (refused) throw new DeviceUnavailableError(`device "${device}": ${refused}. Use "auto" or "cpu".`);
  }

  get plan(): Plan {
    this.#plan ??= planOf(this.#cpu.network.stages, {
      stretch: this.#stretch,
      reason: this.#reason,
      costs: this.#costs,
      choice: this.#choice,
      stream: this.#stream,
      watch: this.#watch,
      calibrationRuns: [...this.#lives.values()].reduce((total, { measurements }) => total + measurements, 0),
      history: this.#history,
    });
    return this.#plan;
  }

  get stats(): EngineStats {
    return statsOf(
      this.#cpu.stats,
      this.#inUse.map(({ engine }) => engine.stats),
    );
  }

  /**
   * Logits of one image, which may lie on the GPU; the result is the caller's. `look`: the CPU's way through the whole network
   * in place of its own; where an accelerator has a part, besides. `range`: some stages alone, whose last output is returned as it
   * crosses the seam; such a run teaches the planner nothing.
   */
  async run(input: Float32Array | GpuInput, look?: Look, range?: Range): Promise<Float32Array> {
    // Where there never is a choice, nothing is measured: a small network's answer takes as long as a few promises.
    if (this.#lives.size === 0 && input instanceof Float32Array) return this.#placing.onCpu(input, look, range);
    const result = await this.#requests.run(() => this.#infer(input, look, range));
    if (!this.#wanted && this.#options.device === "auto") {
      this.#wanted = true;
      // After the first answer, and not before the caller has it.
      setTimeout(() => this.prepare(), 0);
    }
    return result;
  }

  async close(): Promise<void> {
    for (const life of this.#lives.values()) life.retire();
    await this.#requests.idle();
    await this.#placing.exclusively(async () => {});
    for (const life of this.#lives.values()) await life.close();
    await this.#cpu.close();
  }

  /** Tries accelerators now, and not only after the first answer. */
  async prepare(lives: Iterable<AcceleratorLife> = this.#lives.values()): Promise<void> {
    this.#wanted = true;
    const refused: string[] = [];
    for (const life of lives) {
      const reason = await this.#begin(life);
      if (reason) refused.push(reason);
    }
    if (refused.length === 0) return;
    if (this.#inUse.length > 0) this.#note(refused.join("; "));
    else this.#decide(null, refused.join("; "));
  }

  get #inUse(): Opened[] {
    return [...this.#lives.values()].flatMap(({ opened }) => opened ?? []);
  }

  /** Returns why it is not used, or null. */
  async #begin(life: AcceleratorLife, watch?: LoadWatch): Promise<string | null> {
    const begun = await life.begin(watch);
    if ("refused" in begun) return begun.refused;
    if (begun.costs) {
      this.#learn(begun.costs);
      this.#replan(1);
      return null;
    }
    const last = this.#cpu.network.stages.length - 1;
    this.#decide({ device: life.name, first: 0, last }, `the ${life.name.toUpperCase()} was asked for`);
    return null;
  }

  async #infer(input: Float32Array | GpuInput, look?: Look, range?: Range): Promise<Float32Array> {
    this.#flying++;
    const turn = ++this.#started;
    const stream = this.#flying > 1 ? this.#stream : null;
    const { stretch } = stream ?? { stretch: this.#stretch };
    const life = stretch && this.#lives.get(stretch.device);
    const opened = life?.opened ?? null;
    try {
      const { logits, spent } = await this.#placing.run({
        input,
        range,
        stretch,
        accelerator: opened?.engine ?? null,
        look,
        onFault: (message) => life && this.#setAside(life, opened, message),
      });
      // Both devices work from one thread and delay each other: single times mean nothing, only the pace of answers does.
      if (range) return logits;
      if (stream) this.#observeStream(stream);
      else if (!look && this.#flying === 1 && this.#started === turn) this.#observe(spent);
      return logits;
    } finally {
      this.#flying--;
      if (this.#flying === 0) this.#watch.pause();
    }
  }

  /** Chooses by the present costs; another plan must be better than the present one by the factor `gain`. */
  #replan(gain: number): void {
    const costs = this.#costs!;
    const choice = plan(costs);
    this.#choice = choice;
    const stretch = choice.ms > gain * predict(costs, this.#stretch) ? this.#stretch : choice.stretch;
    this.#stream = planStream(costs, stretch, this.#contention);
    this.#watch = new StreamWatch(WINDOW);
    this.#decide(stretch, explain(costs, choice, stretch));
  }

  #decide(stretch: Stretch, reason: string): void {
    const changed = !isSame(stretch, this.#stretch);
    if (changed || reason !== this.#reason) this.#note(reason);
    this.#drift.decided(changed);
    this.#stretch = stretch;
    this.#reason = reason;
    this.#plan = null;
  }

  #note(reason: string): void {
    this.#history = [...this.#history.slice(-19), reason];
    this.#plan = null;
  }

  /** `costs`: of one accelerator and the CPU. */
  #learn({ stages, moves }: Costs): void {
    this.#costs = { stages: { ...this.#costs?.stages, ...stages }, moves: { ...this.#costs?.moves, ...moves } };
    this.#plan = null;
  }

  #observe(spent: Spent): void {
    const costs = this.#costs;
    const stretch = this.#stretch;
    if (!costs) return;
    this.#count(stretch);
    const seen = this.#drift.observe(spent, costs, stretch);
    if (!seen) return;
    this.#costs = seen;
    this.#plan = null;
    if (!this.#drift.isSettled) return;
    this.#replan(SWITCH_GAIN);
    if (this.#stretch !== stretch) this.#drift.hesitate();
  }

  /** In a stream too: what was predicted is compared with the pace of answers. */
  #observeStream(stream: StreamChoice): void {
    if (stream !== this.#stream) return;
    this.#count(stream.stretch);
    if (!this.#watch.answered(this.#now(), this.#flying)) return;
    this.#plan = null;
    const { medianMs } = this.#watch;
    if (!this.#drift.isSlow(medianMs!, stream.ms)) return;
    for (const life of this.#lives.values()) {
      const isPart = !stream.stretch || stream.stretch.device === life.name;
      if (isPart) this.#measureAgain(life, { stretch: stream.stretch, ms: medianMs! });
    }
  }

  #count(stretch: Stretch): void {
    if (!this.#drift.count()) return;
    for (const life of this.#lives.values()) if (life.name !== stretch?.device) this.#measureAgain(life);
  }

  /** `slow`: a stream that was slower than predicted; what its devices' own costs do not explain is contention. */
  async #measureAgain(life: AcceleratorLife, slow?: StreamChoice): Promise<void> {
    const { opened, name } = life;
    try {
      const costs = await life.measureAgain();
      if (!costs) return;
      this.#learn(costs);
      if (slow && isShared(costs, slow.stretch)) {
        this.#contention = { ...this.#contention, [name]: Math.max(1, slow.ms / pace(costs, slow.stretch)) };
      }
      this.#replan(SWITCH_GAIN);
    } catch (error) {
      this.#setAside(life, opened, (error as Error).message);
    }
  }

  #setAside(life: AcceleratorLife, failed: Opened | null, message: string): void {
    const reason = life.setAside(failed, message, () => this.prepare([life]));
    if (!reason) return;
    this.#costs = this.#costs && without(this.#costs, life.name);
    this.#contention = { ...this.#contention, [life.name]: 1 };
    this.#stream = null;
    this.#drift.forgetWritten();
    this.#decide(null, reason);
    // Another accelerator takes its place.
    if (this.#costs) this.#replan(1);
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    // In Node a retry must not keep the process alive.
    (timer as { unref?: () => void }).unref?.();
  });
}
