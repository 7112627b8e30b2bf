import {
  FACTORS,
  filteredFilterPlane,
  filteredInputPlane,
  filteredProductPlane,
  halfRows,
} from "../../../assembly/shared/sizes.js";

/** First factors of a piece's rows should stay in a core's second-level cache, beside those of two panels and products. */
const FACTORS_BYTES = 512 * 1024;
/**
 * What sums take: around an output, in multiply-adds of the product; and of a panel's factors, in rows that it is multiplied with. To
 * widen a panel alone takes as long as `WIDENED` rows.
 */
const COSTS = { output: 15, panel: 3 };
const WIDENED = 2;

/** Most rows of a piece, where a row has so many elements; in whole blocks of both halves. */
export const mostRows = (depth: number) => Math.max(8, Math.floor(FACTORS_BYTES / ((FACTORS * depth) / 2) / 8) * 8);

/**
 * Whether seven products of halves are done before one of so many rows, each of `depth` elements. `halving`: what their multiply-adds take,
 * in those of the one.
 */
export function halvesPay(rows: number, depth: number, halving: number): boolean {
  const pieces = Math.ceil(rows / mostRows(depth));
  const products = pieces * ((7 / 8) * 2 * halfRows(Math.ceil(rows / pieces)) + COSTS.panel) * depth;
  return halving * (products + COSTS.output * rows) < (4 * Math.ceil(rows / 4) + WIDENED) * depth;
}

/** Of a piece of so many rows: the factors of its rows and of two panels, and the products. */
export function halvesBytes(rows: number, depth: number): number {
  const half = halfRows(rows);
  const planes = filteredInputPlane(half, depth / 2) + filteredFilterPlane(depth / 2) + filteredProductPlane(half);
  return FACTORS * planes;
}
