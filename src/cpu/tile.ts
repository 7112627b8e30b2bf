import { Field, Tile } from "../../assembly/record.js";
import type { Kernels } from "./kernels.js";
import type { Program } from "./program.js";

/** Tiles of the matrix product, rows by columns; the names are the kernels' in assembly/. */
export const tiles = { "4x8": Tile.f32_4x8, "6x8": Tile.f32_6x8, "6x16": Tile.f32_6x16 } as const;
export type TileName = keyof typeof tiles;

const names = Object.keys(tiles) as TileName[];
/** About a millisecond of optimised code. */
const ROUNDS = 600;
/** The optimised code appears while its forerunner runs: the clock is believed when it has not improved for so long. */
const SETTLED_MS = 60;
const LONGEST_MS = 250;

/**
 * Of its time here, what a tile may take of another's to be preferred. In a network six rows spare loads that the trial, on what
 * the nearest cache holds, does not wait for: a ResNet-18 takes 4 % less, a ResNet-50 8 %. Pairs must be worth their padding.
 */
const PREFERENCE: Readonly<Record<TileName, number>> = { "4x8": 1, "6x8": 1.03, "6x16": 0.98 };

/**
 * The fastest tile by the clock, but for `PREFERENCE`. Which it is, is a matter of the engine's register allocator and
 * of whether it fuses pairs of vectors. Overwrites 32 KB at `at`.
 */
export function fastestTile(kernels: Kernels, at: number): TileName {
  const best = names.map(() => Number.POSITIVE_INFINITY);
  const begin = performance.now();
  for (let improved = begin, now = begin; now - improved < SETTLED_MS && now - begin < LONGEST_MS; ) {
    for (const [index, name] of names.entries()) {
      const start = performance.now();
      kernels.trial(tiles[name], at, ROUNDS);
      now = performance.now();
      if (now - start < 0.97 * best[index]!) improved = now;
      best[index] = Math.min(best[index]!, now - start);
    }
  }
  let chosen = 0;
  for (let index = 1; index < names.length; index++)
    if (best[index]! < PREFERENCE[names[index]!] * best[chosen]!) chosen = index;
  return names[chosen]!;
}

const TRIAL_FLOPS = 2 * 24 * 64 * 32;

/** GFLOP/s of each tile; the baseline module has one. */
export function tileRates(kernels: Kernels, at: number, relaxed: boolean): Partial<Record<TileName, number>> {
  const rates: Partial<Record<TileName, number>> = {};
  for (const name of relaxed ? names : names.slice(0, 1)) {
    let best = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 60; attempt++) {
      const start = performance.now();
      kernels.trial(tiles[name], at, ROUNDS);
      best = Math.min(best, performance.now() - start);
    }
    rates[name] = (TRIAL_FLOPS * ROUNDS) / best / 1e6;
  }
  return rates;
}

/** Writes the tile into a program's records. */
export function useTile(memory: WebAssembly.Memory, { recordsAt, records }: Program, tile: Tile): void {
  const words = new Int32Array(memory.buffer, recordsAt, records.length);
  for (let at: number = Field.tile; at < words.length; at += Field.size) words[at] = tile;
}
