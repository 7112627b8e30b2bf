import { Tile } from "../shared/record";
import { NO_RESIDUAL } from "../gemm/store";
import {
  TRIAL_BYTES,
  TRIAL_INPUT,
  TRIAL_OUTPUT,
  TRIAL_PANELS,
  TRIAL_ROWS,
  TRIAL_SCALES,
  TRIAL_WEIGHTS,
} from "../shared/sizes";
import { gatherWide, widen } from "./gather";
import {
  i16_gemm_4x16,
  i16_gemm_4x8,
  qs8_gemm16_4x8,
  qs8_igemm_4x8_quads,
  qs8_igemm_6x16,
  qs8_igemm_6x8,
} from "./tiles";

/** Words of a row. */
const DEPTH: i32 = TRIAL_BYTES / 4;
const ROWS: i32 = TRIAL_ROWS;
const PANELS: usize = TRIAL_PANELS;

/** `rounds` small products in the nearest cache with one tile of integers: 24 * 256 * 32 multiply-adds each. Uses 32 KB at `at`. */
export function trialOfIntegers(tile: i32, at: usize, rounds: i32): void {
  const a = at + TRIAL_INPUT;
  const b = at + TRIAL_WEIGHTS;
  const scales = at + TRIAL_SCALES;
  const c = at + TRIAL_OUTPUT;
  const work = c + <usize>ROWS * PANELS * 8;
  const widened = work + ROWS * TRIAL_BYTES * 2;
  const step: usize = PANELS * 8;
  const bytes = <usize>DEPTH << 5;
  for (let row = 0; row < ROWS; row++) store<u32>(at + (<usize>row << 2), <u32>(a + <usize>(row * DEPTH * 4)));
  for (let round = 0; round < rounds; round++) {
    if (tile == Tile.i16_4x8) {
      // Twice half of the channels, of two bytes each.
      for (let panel: usize = 0; panel < 2 * PANELS; panel++) {
        i16_gemm_4x8(a, DEPTH * 4, DEPTH, b + (panel % PANELS) * bytes, c, ROWS);
      }
      continue;
    }
    if (tile == Tile.i16_4x16) {
      for (let panel: usize = 0; panel < 2 * PANELS; panel += 2) {
        i16_gemm_4x16(a, DEPTH * 4, DEPTH, b + (panel % PANELS) * bytes, bytes, ROWS * 32, c, ROWS);
      }
      continue;
    }
    if (!ASC_FEATURE_RELAXED_SIMD || tile == Tile.qs8_wide) {
      gatherWide(at, ROWS / 4, 1, DEPTH * 4, 0, work);
      for (let panel: usize = 0; panel < PANELS; panel++) {
        widen(b + panel * bytes, <i32>bytes, widened);
        qs8_gemm16_4x8(work, DEPTH * 2, widened, scales, c + (panel << 3), step, ROWS, 8, NO_RESIDUAL, 0, -127);
      }
      continue;
    }
    // Rows are whole blocks of every tile.
    for (let panel: usize = 0; panel < PANELS; panel++) {
      const own = b + panel * bytes;
      const d = c + (panel << 3);
      if (tile == Tile.qs8_6x16) {
        qs8_igemm_6x16(at, 1, DEPTH, 0, own, bytes, scales, d, step, ROWS, 16, NO_RESIDUAL, 0, -127);
        panel++;
      } else if (tile == Tile.qs8_4x8) {
        // `fillTrial` leaves zeros behind the factors: no outliers.
        qs8_igemm_4x8_quads(at, 1, DEPTH, 0, own, scales + 128, scales, d, step, ROWS, 8, NO_RESIDUAL, 0, -127);
      } else {
        qs8_igemm_6x8(at, 1, DEPTH, 0, own, scales, d, step, ROWS, 8, NO_RESIDUAL, 0, -127);
      }
    }
  }
}
