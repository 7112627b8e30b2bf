import { NEARLY_MS } from "../base/nearly.js";
import type { Step } from "./program/program.js";

/** Shorter runs are not worth a word. */
const LONG_MS = 2;
/** As `NEARLY_MS`, where the waiter for the end takes a core from a thread. */
const CROWDED_MS = 1;

/**
 * Where a long run of a program is nearly done: before the last convolution of some weight, which is a few hundredths of most networks,
 * or, where that takes too long or no core is idle, before one of the records after it.
 */
export class NearlyDone {
  private record = Number.POSITIVE_INFINITY;
  private late = 0;

  constructor(
    private readonly steps: readonly Step[],
    private readonly crowded: boolean,
    private readonly tell: () => void,
  ) {}

  /** Runs records [begin, the last], and tells when it is nearly done. */
  run(begin: number, execute: (begin: number, end: number) => void): void {
    const end = this.steps.length;
    const tail = Math.min(Math.max(begin, this.record), end);
    const start = performance.now();
    execute(begin, tail);
    const middle = performance.now();
    const isLong = middle - start > LONG_MS;
    if (tail === end) {
      if (isLong && this.record > end) this.record = lastWork(this.steps) + (this.crowded ? 1 : 0);
      return;
    }
    if (isLong) this.tell();
    execute(tail, end);
    // Once may be chance.
    this.late = performance.now() - middle > (this.crowded ? CROWDED_MS : NEARLY_MS) ? this.late + 1 : 0;
    if (this.late < 2) return;
    this.record = tail + 1;
    this.late = 0;
  }
}

function lastWork(steps: readonly Step[]): number {
  const total = steps.reduce((sum, { macs }) => sum + macs, 0);
  return steps.findLastIndex(({ macs }) => macs > total / 100);
}
