/** To begin a piece and to read its weights takes as long as so many of its rows. */
const PIECE_ROWS = 0.7;

/** A row of pieces: all of `size` but the last, which has what is left, up to half as many more. */
export interface Groups {
  readonly size: number;
  readonly count: number;
  /** Rows of the largest. */
  readonly most: number;
}

/**
 * `rows` rows of a matrix product in pieces of `least` to `most` rows for some threads: what they are done with first, where all are as
 * fast, with an eighth of a piece for one that is not. Products come in blocks of four and six rows, together any even number.
 */
export function groupsOf(rows: number, least: number, most: number, threads: number): Groups {
  let best = piecesOf(rows, rows);
  let bestTime = Number.POSITIVE_INFINITY;
  for (let size = Math.min(rows, most) & ~1; size >= Math.min(rows, least); size -= 2) {
    const pieces = piecesOf(rows, size);
    if (pieces.most > most) continue;
    const loads = new Array<number>(threads).fill(0);
    for (let piece = 0; piece < pieces.count; piece++) {
      const next = loads.indexOf(Math.min(...loads));
      loads[next]! += timeOf(piece + 1 < pieces.count ? size : rows - size * piece);
    }
    const time = Math.max(...loads) + (threads > 1 ? timeOf(size) / 8 : 0);
    if (time < bestTime) [best, bestTime] = [pieces, time];
  }
  return best;
}

function piecesOf(rows: number, size: number): Groups {
  const count = Math.max(1, Math.round(rows / size));
  return { size, count, most: Math.max(size, rows - size * (count - 1)) };
}

function timeOf(rows: number): number {
  return rows + (rows & 1) + PIECE_ROWS;
}
