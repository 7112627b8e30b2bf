/** What is added to a tap's mean square, of their mean: pictures are few, and correlations not exact. */
const DAMPING = 0.01;

/**
 * How a tap's rounding error is made up for by the taps behind it: [T, T], upper. The tap's error, divided by its diagonal, times the
 * rest of its row is taken off them. `between`, [T, T]: mean products of what the taps read. The rule is that of Frantar and Alistarh
 * 2022, "Optimal Brain Compression", with the Cholesky factor of the inverse as in "GPTQ". Null where nothing is read.
 */
export function feedbackOf(between: Float64Array): Float64Array | null {
  const taps = Math.sqrt(between.length);
  let trace = 0;
  for (let tap = 0; tap < taps; tap++) trace += between[tap * (taps + 1)]!;
  if (!(trace > 0)) return null;
  const damped = between.slice();
  for (let tap = 0; tap < taps; tap++) damped[tap * (taps + 1)] = damped[tap * (taps + 1)]! + (DAMPING * trace) / taps;
  return choleskyOf(inverseOf(damped, taps), taps);
}

/** Of a positive definite matrix, by Gauss and Jordan. */
function inverseOf(matrix: Float64Array, size: number): Float64Array {
  const rest = matrix.slice();
  const inverse = new Float64Array(size * size);
  for (let row = 0; row < size; row++) inverse[row * (size + 1)] = 1;
  for (let pivot = 0; pivot < size; pivot++) {
    const divisor = rest[pivot * (size + 1)]!;
    for (const each of [rest, inverse])
      for (let column = 0; column < size; column++)
        each[pivot * size + column] = each[pivot * size + column]! / divisor;
    for (let row = 0; row < size; row++) {
      const factor = rest[row * size + pivot]!;
      if (row === pivot || factor === 0) continue;
      for (const each of [rest, inverse])
        for (let column = 0; column < size; column++)
          each[row * size + column] = each[row * size + column]! - factor * each[pivot * size + column]!;
    }
  }
  return inverse;
}

/** U, upper, of which the matrix is U' U. */
function choleskyOf(matrix: Float64Array, size: number): Float64Array {
  const upper = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = row; column < size; column++) {
      let sum = matrix[row * size + column]!;
      for (let at = 0; at < row; at++) sum -= upper[at * size + row]! * upper[at * size + column]!;
      upper[row * size + column] = row === column ? Math.sqrt(sum) : sum / upper[row * (size + 1)]!;
    }
  }
  return upper;
}
