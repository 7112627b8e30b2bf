import {
  TRIAL_BYTES,
  TRIAL_INPUT,
  TRIAL_OUTPUT,
  TRIAL_PANELS,
  TRIAL_ROWS,
  TRIAL_SCALES,
  TRIAL_WEIGHTS,
} from "../../../assembly/shared/sizes.js";

const COLUMNS = 8 * TRIAL_PANELS;

/**
 * Fills the trial's rows with 0..127 and its weights with -127..127; a step of the output is 2048 of the sums. Every other word of weights
 * is small, so that sixteen bits hold the sums of four products. Behind the factors are zeros: no outliers.
 */
export function fillTrial(buffer: ArrayBufferLike, at: number): void {
  const rows = new Int8Array(buffer, at + TRIAL_INPUT, TRIAL_ROWS * TRIAL_BYTES);
  for (let index = 0; index < rows.length; index++) rows[index] = (index * 89 + (index >> 8) * 31) & 127;
  const weights = new Int8Array(buffer, at + TRIAL_WEIGHTS, COLUMNS * TRIAL_BYTES);
  for (let index = 0; index < weights.length; index++) {
    const most = index & 32 ? 2 : 127;
    weights[index] = ((index * 151 + (index >> 7) * 53) % (2 * most + 1)) - most;
  }
  const scales = new Float32Array(buffer, at + TRIAL_SCALES, 64).fill(0);
  for (let index = 0; index < 32; index++) scales[index] = index & 8 ? 0 : 1 / 2048;
}

/**
 * Whether a tile left what plain sums of the trial's rows and weights give. `side`: input channels side by side in its panels. The
 * sums are whole and the factor is a power of two, so that no rounding is in doubt but the last.
 */
export function isRight(buffer: ArrayBufferLike, at: number, side: number): boolean {
  const rows = new Int8Array(buffer, at + TRIAL_INPUT, TRIAL_ROWS * TRIAL_BYTES);
  const weights = new Int8Array(buffer, at + TRIAL_WEIGHTS, COLUMNS * TRIAL_BYTES);
  const found = new Int8Array(buffer, at + TRIAL_OUTPUT, TRIAL_ROWS * COLUMNS);
  for (let row = 0; row < TRIAL_ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      const panel = (column >> 3) * 8 * TRIAL_BYTES + (column & 7) * side;
      let sum = 0;
      for (let k = 0; k < TRIAL_BYTES; k++) {
        const weight = weights[panel + Math.floor(k / side) * 8 * side + (k % side)]!;
        sum += rows[row * TRIAL_BYTES + k]! * weight;
      }
      const real = Math.min(127, Math.max(-127, sum / 2048));
      // Halves may go either way here.
      if (Math.abs(found[row * COLUMNS + column]! - real) > 0.5) return false;
    }
  }
  return true;
}
