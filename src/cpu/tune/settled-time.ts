/** The optimised code of a kernel appears while its forerunner runs: the clock is believed when it has not improved for so long. */
const SETTLED_MS = 60;
const LONGEST_MS = 250;

/** The least time of each of some short runs that take turns, in ms. */
export function settledTime(runs: readonly (() => unknown)[]): number[] {
  const best = runs.map(() => Number.POSITIVE_INFINITY);
  const begin = performance.now();
  for (let improved = begin, now = begin; now - improved < SETTLED_MS && now - begin < LONGEST_MS; ) {
    for (const [index, run] of runs.entries()) {
      const start = performance.now();
      run();
      now = performance.now();
      if (now - start < 0.97 * best[index]!) improved = now;
      best[index] = Math.min(best[index]!, now - start);
    }
  }
  return best;
}
