import { Tile } from "../../assembly/record.js";
import type { Kernels } from "./kernels.js";

/** Tiles of the matrix product, rows by columns; the names are the kernels' in assembly/. */
export const tiles = { "4x8": Tile.f32_4x8, "6x8": Tile.f32_6x8, "6x16": Tile.f32_6x16 } as const;
export type TileName = keyof typeof tiles;

const names = Object.keys(tiles) as TileName[];
/** About a millisecond of optimised code, and enough loops for an engine to want to optimise what it runs. */
const ROUNDS = 600;
const ATTEMPTS = 4;

/**
 * Starts the optimiser on every tile. Which one is fastest is a matter of the engine's register allocator, and of whether
 * it fuses pairs of vectors, so it is measured: `fastestTile`, once the optimised code has had time to appear.
 */
export function warmTiles(kernels: Kernels, at: number): void {
  for (const name of names) kernels.trial(tiles[name], at, ROUNDS / 4);
}

/** The fastest tile by the clock; a wider one must win by 2 %. Overwrites 32 KB at `at`. */
export function fastestTile(kernels: Kernels, at: number): TileName {
  const best = names.map(() => Number.POSITIVE_INFINITY);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    for (const [index, name] of names.entries()) {
      const start = performance.now();
      kernels.trial(tiles[name], at, ROUNDS);
      best[index] = Math.min(best[index]!, performance.now() - start);
    }
  }
  let chosen = 0;
  for (let index = 1; index < names.length; index++) if (best[index]! < 0.98 * best[chosen]!) chosen = index;
  return names[chosen]!;
}
