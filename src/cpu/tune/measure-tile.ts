import { TRIAL_FLOPS } from "../../../assembly/shared/sizes.js";
import type { Kernels } from "../module.js";
import { type TileName, tiles } from "../program/tiles.js";
import { settledTime } from "./settled-time.js";

const names = Object.keys(tiles) as TileName[];
/** About a millisecond of optimised code. */
const ROUNDS = 600;
/**
 * Of its time here, what a tile may take of another's to be preferred. In a network six rows spare loads that the trial, on what
 * the nearest cache holds, does not wait for: a ResNet-18 takes 4 % less, a ResNet-50 8 %; and where six rows are wrong, since
 * an optimiser spills, they take 1.8 times as long, which no noise hides. Pairs must be worth their padding.
 */
const PREFERENCE: Readonly<Record<TileName, number>> = { "4x8": 1, "6x8": 1.15, "6x16": 0.98 };

/**
 * The fastest tile by the clock, but for `PREFERENCE`. Which it is, is a matter of the engine's register allocator and
 * of whether it fuses pairs of vectors. Overwrites 32 KB at `at`.
 */
export function fastestTile(kernels: Kernels, at: number): TileName {
  const best = settledTime(names.map((name) => () => kernels.trial(tiles[name], at, ROUNDS)));
  let chosen = 0;
  for (let index = 1; index < names.length; index++)
    if (best[index]! < PREFERENCE[names[index]!] * best[chosen]!) chosen = index;
  return names[chosen]!;
}

/** GFLOP/s of each tile; the baseline modules have one, and those with integers. */
export function tileRates(kernels: Kernels, at: number, hasAll: boolean): Partial<Record<TileName, number>> {
  const known = hasAll ? names : names.slice(0, 1);
  const times = settledTime(known.map((name) => () => kernels.trial(tiles[name], at, ROUNDS)));
  return Object.fromEntries(known.map((name, index) => [name, (TRIAL_FLOPS * ROUNDS) / times[index]! / 1e6]));
}
