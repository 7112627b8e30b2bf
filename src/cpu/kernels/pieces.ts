/** How rows and panels of a product are parted. */
interface Parts {
  /** A piece has at most so many rows, and a multiple of `block` but for the last one. */
  readonly most: number;
  readonly block: number;
  /** Rows of a piece, where they are not open. */
  readonly fixed?: number;
  /** What a row takes once for all panels of its piece, in panels; and a panel once for all rows, in rows. */
  readonly rowPanels: number;
  readonly panelRows: number;
  /** A thread keeps what it made of a piece's rows for the next piece of the same. */
  readonly held?: boolean;
}

/**
 * Rows and panels of a piece, such that threads of one speed finish soonest, plus an eighth of a piece of slack for a slow one.
 * One thread alone takes all panels at once.
 */
export function piecesOf(
  { threads }: { readonly threads: number },
  rows: number,
  panels: number,
  { most, block, fixed, rowPanels, panelRows, held }: Parts,
): readonly [rowsPerPiece: number, panelsPerPiece: number] {
  const whole = (count: number) => Math.ceil(count / block) * block;
  const fewest = Math.ceil(rows / most);
  let best: readonly [number, number] = [0, panels];
  let least = Number.POSITIVE_INFINITY;
  for (let down = fewest; down < fewest + (fixed ? 1 : 4 * threads - 3); down++) {
    const rowsPerPiece = fixed ?? Math.min(most, whole(Math.ceil(rows / down)));
    for (let across = 1; across <= Math.min(panels, 4 * threads - (held ? 0 : 3)); across++) {
      const panelsPerPiece = Math.ceil(panels / across);
      const pieces = Math.ceil((Math.ceil(rows / rowsPerPiece) * across) / threads);
      if (across > 1 && pieces > 8) break;
      // The last rows may be fewer, but not for every thread.
      const cost = (count: number) =>
        count * (whole(rowsPerPiece) + panelRows) * panelsPerPiece +
        (held ? Math.min(count, Math.ceil((count * threads) / 2 / across)) : count) * whole(rowsPerPiece) * rowPanels;
      const time = cost(pieces) + (threads > 1 ? cost(1) / 8 : 0);
      if (time < least) [best, least] = [[rowsPerPiece, panelsPerPiece], time];
    }
  }
  return best;
}
