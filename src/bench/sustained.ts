import { median } from "../base/median.js";

/** What one second of a sustained run took. */
export interface Point {
  /** Since its begin. */
  readonly seconds: number;
  /** Median of an inference in that second. */
  readonly ms: number;
}

/** Five minutes: phones without a fan have throttled by then. */
export const SUSTAINED_SECONDS = 300;
const BIN_MS = 1000;

/** Runs one inference after the other, and tells the median of each second; ends early where `signal` is aborted. */
export async function sustain(
  run: () => Promise<unknown>,
  { seconds, signal, onPoint }: { seconds: number; signal?: AbortSignal; onPoint?: (point: Point) => void },
): Promise<Point[]> {
  const points: Point[] = [];
  const begun = performance.now();
  while (!signal?.aborted && performance.now() - begun < 1e3 * seconds) {
    const from = performance.now();
    const times: number[] = [];
    for (let now = from; times.length === 0 || now - from < BIN_MS; ) {
      const start = now;
      await run();
      now = performance.now();
      times.push(now - start);
    }
    const point = { seconds: (performance.now() - begun) / 1e3, ms: median(times) };
    points.push(point);
    onPoint?.(point);
    // A signal, or a message that stops it, comes between two tasks.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return points;
}

/** How many times as long the last tenth takes as the fastest tenth. Noise alone makes that a little more than 1. */
export function throttling(points: readonly Point[]): number {
  const tenth = Math.max(1, Math.floor(points.length / 10));
  const inOrder = points.map(({ ms }) => ms);
  const fastest = median(inOrder.toSorted((a, b) => a - b).slice(0, tenth));
  return points.length === 0 ? Number.NaN : median(inOrder.slice(-tenth)) / fastest;
}

const LEVELS = "▁▂▃▄▅▆▇█";

/** A line of blocks, from zero: the higher, the longer an inference took. */
export function sparkline(points: readonly Point[], width = 60): string {
  const most = Math.max(...points.map(({ ms }) => ms));
  const columns = Math.min(width, points.length);
  return Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * points.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * points.length) / columns));
    const level = (median(points.slice(from, to).map(({ ms }) => ms)) / most) * LEVELS.length;
    return LEVELS[Math.max(0, Math.ceil(level) - 1)];
  }).join("");
}
