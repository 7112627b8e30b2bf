import { POINTS, STRIDE2_PHASES as PHASES } from "../shared/sizes";
import { filterOf } from "./stride2";
import { isStrided } from "./grid";

/** Planes of V: one for each point, or, with a stride of 2, for each pair of a vertical and a horizontal (point, phase). */
export function planesOf(record: usize): i32 {
  return isStrided(record) ? PHASES * PHASES : POINTS;
}

/** Planes of V that meet at a point. `along`: points along an axis, 6, or 5 with a stride of 2. */
export function pairsAt(along: i32, point: i32): i32 {
  if (along == 6) return 1;
  return (point < 5 ? 1 : 2) * (point % 5 ? 2 : 1);
}

/** The number in V of the `pair`th of them. */
export function planeAt(along: i32, point: i32, pair: i32): i32 {
  if (along == 6) return point;
  return phaseDown(point, pair) * PHASES + phaseAcross(point, pair);
}

/** The number of its filters, of 36. */
export function filterAt(along: i32, point: i32, pair: i32): i32 {
  if (along == 6) return point;
  return filterOf(phaseDown(point, pair)) * 6 + filterOf(phaseAcross(point, pair));
}

function phaseDown(point: i32, pair: i32): i32 {
  const y = point / 5;
  return y ? 2 * y - 1 + (point % 5 ? pair >> 1 : pair) : 0;
}

function phaseAcross(point: i32, pair: i32): i32 {
  const x = point % 5;
  return x ? 2 * x - 1 + (pair & 1) : 0;
}
