/**
 * The optimised code of a kernel appears while its forerunner runs: the clock is believed when it has not improved for so long, and for
 * so many turns. Where another process has the core, a turn may take as long as many.
 */
const SETTLED_MS = 60;
const SETTLED_TURNS = 4;
const LONGEST_MS = 400;

/** The least time of each of some short runs that take turns, in ms. */
export function settledTime(runs: readonly (() => unknown)[]): number[] {
  const best = runs.map(() => Number.POSITIVE_INFINITY);
  const begin = performance.now();
  let improved = begin;
  let now = begin;
  for (let turns = 0; (turns < SETTLED_TURNS || now - improved < SETTLED_MS) && now - begin < LONGEST_MS; turns++) {
    for (const [index, run] of runs.entries()) {
      const start = performance.now();
      run();
      now = performance.now();
      if (now - start < 0.97 * best[index]!) {
        improved = now;
        turns = -1;
      }
      best[index] = Math.min(best[index]!, now - start);
    }
  }
  return best;
}
