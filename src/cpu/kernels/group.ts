/** Pieces of work for each thread, so that one that was held up does not hold up the others. */
export const PIECES_PER_THREAD = 4;
/** To begin a piece and to read its weights takes as long as so many of its rows. */
const PIECE_ROWS = 0.7;
/** What rows that blocks of six leave over take beside their own time: rows that are not there, and shorter blocks. */
const LEFT_OVER = [0, 0.5, 0.6, 1.3, 0.3, 1];

/** What a piece of so many rows takes, in rows: in blocks of six, four and one, or of six, four and two. */
export const inOnes = (rows: number) => rows + LEFT_OVER[rows % 6]! + PIECE_ROWS;
export const inTwos = (rows: number) => rows + (rows & 1) + PIECE_ROWS;

/** With so many rows pieces are so many more than threads that their size is all the same, and trying each takes long. */
const MANY_ROWS = 1 << 18;

/** A row of pieces: all of `size` but the last, which has what is left, up to half as many more. */
export interface Groups {
  readonly size: number;
  readonly count: number;
  /** Rows of the largest. */
  readonly most: number;
}

/**
 * `rows` rows of a matrix product in pieces of at most `most` rows, and at least `least` where they may be so large, for some
 * threads: what they are done with first, where all are as fast, with an eighth of a piece for one that is not.
 */
export function groupsOf(
  rows: number,
  least: number,
  most: number,
  threads: number,
  timeOf: (rows: number) => number,
): Groups {
  const largest = Math.max(1, Math.min(rows, most) & ~1);
  let best = piecesOf(rows, rows <= most ? rows : largest, most);
  if (rows > MANY_ROWS) return best;
  let bestTime = Number.POSITIVE_INFINITY;
  for (let size = largest; size >= Math.min(largest, least); size -= 2) {
    const pieces = piecesOf(rows, size, most);
    const loads = new Array<number>(threads).fill(0);
    for (let piece = 0; piece < pieces.count; piece++) {
      const next = loads.indexOf(Math.min(...loads));
      loads[next]! += timeOf(piece + 1 < pieces.count ? size : rows - size * piece);
    }
    const time = Math.max(...loads) + (threads > 1 ? timeOf(size) / 8 : 0);
    if (time < bestTime || (time === bestTime && pieces.most < best.most)) [best, bestTime] = [pieces, time];
  }
  return best;
}

function piecesOf(rows: number, size: number, most: number): Groups {
  const whole = Math.max(1, Math.round(rows / size));
  const count = rows - size * (whole - 1) > most ? whole + 1 : whole;
  return { size, count, most: Math.max(size, rows - size * (count - 1)) };
}
