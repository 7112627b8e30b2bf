/** The middle of some numbers, or halfway between the middle two; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const last = sorted.length - 1;
  return (sorted[last >> 1]! + sorted[(last + 1) >> 1]!) / 2;
}
