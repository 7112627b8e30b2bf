/** Whether no value is NaN or infinite. A loop, since `every` calls a function for each of a hundred thousand values. */
export function allFinite(values: Float32Array): boolean {
  // Zero times any other value is 0.
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += 0 * values[at]!;
  return sum === 0;
}
