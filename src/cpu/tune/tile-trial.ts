import type { TileName } from "../program/tiles.js";

/** Timed runs of each tile, after those in which optimised code of it appears. */
const TIMED = 12;
const WARMING = 4;
/** Of its time, what a tile may take of an earlier one's to be preferred: noise of 2 % should not outdo the likelier one. */
const WORTH = 0.97;

/**
 * Finds the fastest tile for a network that is too small for a load to wait for measurements: its first runs take turns.
 * Every tile sums in the same order, so that nobody can tell from the answers.
 */
export class TileTrial {
  private readonly times: readonly number[][];
  private runs = 0;

  constructor(private readonly names: readonly TileName[]) {
    this.times = names.map(() => []);
  }

  /** The next run's. */
  get tile(): TileName {
    return this.names[this.runs % this.names.length]!;
  }

  /** Takes the time of a run with `tile`, in ms. Returns the fastest one when all have had their runs. */
  record(ms: number): TileName | null {
    const turn = this.runs++;
    if (turn >= WARMING * this.names.length) this.times[turn % this.names.length]!.push(ms);
    if (this.runs < (WARMING + TIMED) * this.names.length) return null;
    const means = this.times.map(meanOfFaster);
    let best = 0;
    for (const [index, mean] of means.entries()) if (mean < WORTH * means[best]!) best = index;
    return this.names[best]!;
  }
}

/** Of the faster two thirds: what disturbed a run is not the tile's, and a coarse clock needs more than one. */
function meanOfFaster(times: readonly number[]): number {
  const faster = times.toSorted((a, b) => a - b).slice(0, Math.ceil((2 * times.length) / 3));
  return faster.reduce((sum, ms) => sum + ms, 0) / faster.length;
}
