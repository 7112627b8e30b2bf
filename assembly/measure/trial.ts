import { multiply } from "../gemm/multiply";
import { NO_RESIDUAL } from "../gemm/store";
import { trialOfIntegers } from "../int8/trial";
import { Tile } from "../shared/record";
import { TRIAL_DEPTH as DEPTH, TRIAL_PANELS as PANELS, TRIAL_ROWS as ROWS } from "../shared/sizes";

/** `rounds` small products in the nearest cache with one tile, for the clock: `TRIAL_FLOPS` each. Uses 32 KB at `at`. */
export function trial(tile: i32, at: usize, rounds: i32): void {
  if (QUANTIZED && tile >= Tile.qs8_4x8) return trialOfIntegers(tile, at, rounds);
  const a = at + 4096;
  const b = a + <usize>(ROWS * DEPTH * 4);
  const c = b + <usize>(PANELS * DEPTH * 32);
  for (let row = 0; row < ROWS; row++) store<u32>(at + (<usize>row << 2), <u32>(a + <usize>(row * DEPTH * 4)));
  for (let round = 0; round < rounds; round++) {
    multiply(tile, at, ROWS, 1, DEPTH, 0, c + 4096, b, PANELS, b, 32, c, PANELS * 32, PANELS * 8, NO_RESIDUAL, 0);
  }
}
