import type { Pixels } from "../image/index.js";

/** How far the usual recipe for small pictures shifts them (He et al. 2015, section 4.2). */
const REACH = 4;

/**
 * Pictures as training saw them: shifted by up to four pixels over black, and mirrored or not. Small pictures' networks are
 * trained so, and their statistics hold black edges. Shifts follow from `index`: the same for each structure that is tried.
 */
export function shifted({ data, width, height, channels }: Pixels, index: number): Pixels {
  const [x, y, mirror] = [
    drawn(index, 0, 2 * REACH + 1) - REACH,
    drawn(index, 1, 2 * REACH + 1) - REACH,
    drawn(index, 2, 2),
  ];
  const result = new Uint8Array(data.length);
  for (let row = Math.max(0, -y); row < Math.min(height, height - y); row++) {
    for (let column = Math.max(0, -x); column < Math.min(width, width - x); column++) {
      const from = channels * ((row + y) * width + column + x);
      const to = channels * (row * width + (mirror ? width - 1 - column : column));
      for (let channel = 0; channel < channels; channel++) result[to + channel] = data[from + channel]!;
    }
  }
  return { data: result, width, height, channels };
}

/** A number below `count`, by Knuth's multiplicative hash. */
function drawn(index: number, which: number, count: number): number {
  const hash = Math.imul(3 * index + which + 1, 2654435761) >>> 0;
  return Math.floor((hash / 2 ** 32) * count);
}
