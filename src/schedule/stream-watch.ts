import { median } from "../base/median.js";

/** The pace of a stream: ms between answers, and how many images were in flight. */
export class StreamWatch {
  /** Median of the last whole window; null before there is one. */
  medianMs: number | null = null;
  depth = 0;
  private last: number | null = null;
  private intervals: number[] = [];

  /** `window`: answers over which a median is taken. */
  constructor(private readonly window: number) {}

  /** An answer at `now`, ms, with `depth` images in flight. Returns whether it completed a window. */
  answered(now: number, depth: number): boolean {
    this.depth = Math.max(this.depth, depth);
    if (this.last !== null) this.intervals.push(now - this.last);
    this.last = now;
    if (this.intervals.length < this.window) return false;
    this.medianMs = median(this.intervals);
    this.intervals = [];
    return true;
  }

  /** Nothing is in flight: the time to the next answer says nothing. */
  pause(): void {
    this.last = null;
  }
}
