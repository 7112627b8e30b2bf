import { median } from "../base/median.js";
import type { DeviceName } from "../engine.js";
import type { Spent } from "./placing.js";
import { type Costs, loads, type Moves, type Stretch } from "./planner.js";

/** Inferences over which times are watched, and how far the median may stray from what was predicted. */
export const WINDOW = 20;
const DRIFT = 1.25;
/** Against flapping: inferences after a change by drift in which no other follows. Their number doubles with each change. */
const SETTLE = 50;
/** While a device is idle, its costs are measured again after this many inferences: the cause of a slowdown may have passed. */
const REMEASURE = 500;

/** Watches for drift: heat, or another page on the same device. */
export class Drift {
  #recent: Spent["ms"][] = [];
  /** What an input that was on the accelerator already costs there beyond one that is moved in; null before it is known. */
  #writtenMs: number | null = null;
  #written: number[] = [];
  #sinceChange = 0;
  #settle = 0;

  /** One more inference. Returns whether it is time to measure devices that are idle. */
  count(): boolean {
    this.#sinceChange++;
    return this.#sinceChange % REMEASURE === 0;
  }

  /** Whether a plan may change by drift. */
  get isSettled(): boolean {
    return this.#sinceChange >= this.#settle;
  }

  /** A decision was made: times from before say nothing of it. `changed`: whether stages move. */
  decided(changed: boolean): void {
    this.#recent = [];
    if (changed) this.#sinceChange = 0;
  }

  /** After a change by drift. */
  hesitate(): void {
    this.#settle = Math.max(SETTLE, 2 * this.#settle);
  }

  /** A stream was slower than predicted. Whether that is to be acted on; then it counts as a change by drift. */
  isSlow(measuredMs: number, predictedMs: number): boolean {
    if (!this.isSettled || measuredMs < DRIFT * predictedMs) return false;
    this.#sinceChange = 0;
    this.hesitate();
    return true;
  }

  /** An accelerator is gone, and with it what writing an input there costs. */
  forgetWritten(): void {
    this.#writtenMs = null;
    this.#written = [];
  }

  /** What an inference by `stretch` took. Returns the costs that the last ones show, where those are not `costs`; else null. */
  observe({ ms, written }: Spent, costs: Costs, stretch: Stretch): Costs | null {
    const expected = loads(costs, stretch);
    const taken = { ...ms };
    if (written && stretch) {
      const { device } = stretch;
      const beyond = (ms[device] ?? 0) - (this.#writtenMs ?? expected[device]!);
      if (this.#writtenMs === null) {
        this.#written.push(beyond);
        if (this.#written.length === WINDOW) this.#writtenMs = median(this.#written);
        return null;
      }
      taken[device] = beyond;
    }
    this.#recent.push(taken);
    if (this.#recent.length < WINDOW) return null;
    const factors: { [Name in DeviceName]?: number } = {};
    for (const [device, predicted] of Object.entries(expected) as [DeviceName, number][]) {
      factors[device] = ratio(median(this.#recent.map((it) => it[device] ?? 0)), predicted);
    }
    this.#recent = this.#recent.slice(1);
    const hasStrayed = Object.values(factors).some((factor) => factor > DRIFT || factor < 1 / DRIFT);
    return hasStrayed ? scaled(costs, factors) : null;
  }
}

/** Measured over expected; 1 where nothing is expected. */
function ratio(measured: number, expected: number): number {
  return expected > 1e-6 ? measured / expected : 1;
}

/** `factors`: of the devices that have changed. */
function scaled({ stages, moves }: Costs, factors: { readonly [Name in DeviceName]?: number }): Costs {
  const by = <T>(of: { readonly [Name in DeviceName]?: T }, change: (costs: T, factor: number) => T) =>
    Object.fromEntries(
      Object.entries(of).map(([device, costs]) => [device, change(costs, factors[device as DeviceName] ?? 1)]),
    );
  const times = (values: readonly number[], factor: number) => values.map((ms) => ms * factor);
  const all = ({ up, down, wait }: Moves, factor: number) => ({
    up: times(up, factor),
    down: times(down, factor),
    wait: wait * factor,
  });
  return { stages: { ...stages, ...by(stages, times) }, moves: by(moves, all) };
}
