import type { AcceleratorName, FirstEngine, LoadWatch } from "../engine.js";
import type { Store } from "../host/store.js";
import { calibrate } from "./calibrate.js";
import { readCosts } from "./kept-costs.js";
import type { Open, Opened } from "./opened.js";
import type { Costs } from "./planner.js";
import { verify } from "./verify.js";

/** What an accelerator is tried with. */
export interface Trial {
  readonly cpu: FirstEngine;
  /** Whether it was asked for by name: then it is taken even if it is slow, and is not measured. */
  readonly insists: boolean;
  readonly precision: "f32" | "f16";
  readonly store: Store | undefined;
  readonly now: () => number;
  /** Resolves after `ms`. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Runs one step between two inferences, with all devices to itself. */
  readonly exclusively: <T>(task: () => Promise<T>) => Promise<T>;
}

const RETRY_MS = 30_000;

/** An accelerator from its opening to its end: checked against the CPU, measured, set aside when it fails, tried once more. */
export class AcceleratorLife {
  /** In use; null before it has been tried, and after it failed. */
  opened: Opened | null = null;
  /** Steps of calibration so far. */
  measurements = 0;
  #faults = 0;
  #measuring = false;
  #closed = false;

  constructor(
    readonly name: AcceleratorName,
    private readonly open: Open,
    private readonly trial: Trial,
    /** What it begins with, where it is open already. */
    private given: Opened | null = null,
  ) {}

  /** Opens, checks and measures it. Resolves to its costs, which are null where it was asked for, or to why it is not used. */
  async begin(watch: LoadWatch = {}): Promise<{ readonly costs: Costs | null } | { readonly refused: string }> {
    const { cpu, insists, precision, exclusively } = this.trial;
    let opened: Opened;
    try {
      opened = this.given ?? (await this.open(watch));
      this.given = null;
    } catch (error) {
      return { refused: (error as Error).message };
    }
    const giveUp = async (refused: string) => {
      await opened.engine.close();
      return { refused };
    };
    if (this.#closed) return giveUp("the model was closed");
    if (!insists && opened.software) {
      return giveUp(`${opened.engine.stats.kernels} is a software adapter: the CPU's own kernels are faster`);
    }
    let costs: Costs | null = null;
    try {
      const doubt = await verify(cpu, opened.engine, precision, exclusively);
      if (doubt) return giveUp(doubt);
      if (!insists) costs = (await this.#remember(opened)) ?? (await this.#measure(opened));
      if (this.#closed) return giveUp("the model was closed");
    } catch (error) {
      return giveUp(`the ${this.name.toUpperCase()} failed while it was tried: ${(error as Error).message}`);
    }
    this.opened = opened;
    return { costs };
  }

  /** Measures it again; null where that is under way, or it was set aside meanwhile. */
  async measureAgain(): Promise<Costs | null> {
    const { opened } = this;
    if (this.#measuring || !opened) return null;
    this.#measuring = true;
    try {
      const costs = await this.#measure(opened);
      return this.opened === opened ? costs : null;
    } finally {
      this.#measuring = false;
    }
  }

  /**
   * Takes it out of use, and calls `again` when it may be tried once more. Returns the reason in words; null where it was set
   * aside already: another image was in flight.
   */
  setAside(failed: Opened | null, message: string, again: () => unknown): string | null {
    if (!failed || this.opened !== failed) return null;
    this.opened = null;
    this.#faults++;
    failed.engine.close().catch(() => {});
    const retry = this.#faults === 1 && !this.#closed;
    if (retry) this.trial.sleep(RETRY_MS).then(() => (this.#closed ? undefined : again()));
    return `the ${this.name.toUpperCase()} failed (${message})${retry ? "; it is tried again in 30 s" : "; it is not tried again"}`;
  }

  /** From here on it is not tried. */
  retire(): void {
    this.#closed = true;
  }

  async close(): Promise<void> {
    this.retire();
    await this.opened?.engine.close();
    this.opened = null;
  }

  async #remember({ key }: Opened): Promise<Costs | null> {
    const text = await this.trial.store?.get(key).catch(() => null);
    return text ? readCosts(text, this.name, this.trial.cpu.network.stages.length) : null;
  }

  async #measure({ engine, key }: Opened): Promise<Costs> {
    const { cpu, exclusively, now, store } = this.trial;
    const step = <T>(task: () => Promise<T>) => {
      this.measurements++;
      return exclusively(task);
    };
    const costs = await calibrate(cpu, engine, step, now);
    await store?.set(key, JSON.stringify(costs)).catch(() => {});
    return costs;
  }
}
