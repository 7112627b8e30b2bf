import { expect, test } from "vitest";
import { groupsOf, inOnes, inTwos } from "../../src/cpu/kernels/group.js";
import { piecesOf } from "../../src/cpu/kernels/pieces.js";

test.each([1, 2, 3, 4, 7])("pieces for %d threads hold every row once, and no more than fit", (threads) => {
  for (let rows = 1; rows < 130; rows++) {
    for (const [least, most] of [
      [8, 12],
      [8, 44],
      [12, 3],
      [12, 12],
      [12, 77],
      [8, 1],
    ] as const) {
      for (const timeOf of [inOnes, inTwos]) {
        const groups = groupsOf(rows, least, most, threads, timeOf);
        const last = rows - groups.size * (groups.count - 1);
        expect(last).toBeGreaterThan(0);
        expect(groups.most).toBe(Math.max(groups.size, last));
        expect(groups.most, `${rows} rows, ${least} to ${most}`).toBeLessThanOrEqual(most);
      }
    }
  }
});

test("49 tiles on two threads: none has more than a block of rows more than the other", () => {
  const { size, count } = groupsOf(49, 8, 11, 2, inOnes);
  const first = size * Math.ceil(count / 2);
  expect(Math.abs(49 - 2 * first)).toBeLessThanOrEqual(2);
});

interface Thread {
  time: number;
  top: number;
}

/** What the slower of two threads takes that share pieces, one from the front and one from the back, and keep what they made of rows. */
function shared(
  rows: number,
  panels: number,
  [height, width]: readonly [number, number],
  rowPanels: number,
  panelRows: number,
) {
  const pieces = [];
  for (let top = 0; top < rows; top += height) {
    for (let left = 0; left < panels; left += width) {
      pieces.push({ top, rows: Math.min(height, rows - top), panels: Math.min(width, panels - left) });
    }
  }
  const threads: Thread[] = [
    { time: 0, top: -1 },
    { time: 0, top: -1 },
  ];
  while (pieces.length > 0) {
    const [front, back] = threads as [Thread, Thread];
    const thread = back.time < front.time ? back : front;
    const piece = (thread === front ? pieces.shift() : pieces.pop())!;
    thread.time += (piece.rows + panelRows) * piece.panels + (thread.top === piece.top ? 0 : piece.rows * rowPanels);
    thread.top = piece.top;
  }
  return Math.max(...threads.map(({ time }) => time));
}

test("two threads that keep rows from piece to piece take at most 0.56 of what one takes", () => {
  for (const rows of [3136, 784, 196, 49]) {
    for (const panels of [16, 32, 64, 256]) {
      for (const most of [60, 252, 900]) {
        const costs = { rowPanels: 1, panelRows: 2 };
        const parts = piecesOf({ threads: 2 }, rows, panels, { ...costs, most, block: 4, held: true });
        expect(parts[0]).toBeLessThanOrEqual(most);
        const alone = rows * (panels + 1) + 2 * panels * Math.ceil(rows / most);
        const time = shared(rows, panels, parts, costs.rowPanels, costs.panelRows);
        expect(time / alone, `${rows} rows, ${panels} panels, ${most}: ${parts}`).toBeLessThan(0.56);
      }
    }
  }
});
