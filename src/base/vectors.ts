/**
 * The sum of products of `count` values from two places. In four sums: one alone would wait for each addition before the next.
 */
export function product(
  a: ArrayLike<number>,
  aFrom: number,
  b: ArrayLike<number>,
  bFrom: number,
  count: number,
): number {
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let at = 0;
  for (; at + 3 < count; at += 4) {
    first += a[aFrom + at]! * b[bFrom + at]!;
    second += a[aFrom + at + 1]! * b[bFrom + at + 1]!;
    third += a[aFrom + at + 2]! * b[bFrom + at + 2]!;
    fourth += a[aFrom + at + 3]! * b[bFrom + at + 3]!;
  }
  for (; at < count; at++) first += a[aFrom + at]! * b[bFrom + at]!;
  return first + second + (third + fourth);
}

/** Of two lists that are as long. */
export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => product(a, 0, b, 0, a.length);

/** Adds `length` numbers of `from`, from index `b` on, times `factor` to those of `to` from index `a` on. */
export function addScaled(
  to: Float64Array,
  a: number,
  from: Float64Array,
  b: number,
  length: number,
  factor: number,
): void {
  for (let at = 0; at < length; at++) to[a + at]! += factor * from[b + at]!;
}
