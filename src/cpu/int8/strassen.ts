import {
  FACTORS,
  filteredFilterPlane,
  filteredInputPlane,
  filteredProductPlane,
  halfRows,
} from "../../../assembly/shared/sizes.js";

/** First factors of a piece's rows should stay in a core's second-level cache, beside those of two panels and products. */
const FACTORS_BYTES = 512 * 1024;
/** What sums take: around an output, in multiply-adds; and of a panel's factors, in rows that the panel is multiplied with. */
const COSTS = { output: 15, panelRows: 3 };

/** Most rows of a piece, whole blocks of both halves; `depth`: elements of a row. */
export const mostHalvedRows = (depth: number) =>
  Math.max(8, Math.floor(FACTORS_BYTES / ((FACTORS * depth) / 2) / 8) * 8);

/** What products of halves take for a panel and `rows` rows of `depth` elements, in pieces of `size`; in multiply-adds. */
export function halvesTime(rows: number, size: number, depth: number): number {
  return (7 * Math.ceil(rows / 8) + COSTS.panelRows * Math.ceil(rows / size)) * depth + COSTS.output * rows;
}

/** Scratch of a piece: the factors of its rows and of two panels, and the products. */
export function halvesBytes(rows: number, depth: number): number {
  const half = halfRows(rows);
  return FACTORS * (filteredInputPlane(half, depth / 2) + filteredFilterPlane(depth / 2) + filteredProductPlane(half));
}
