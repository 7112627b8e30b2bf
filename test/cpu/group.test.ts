import { expect, test } from "vitest";
import { groupsOf, inOnes, inTwos } from "../../src/cpu/kernels/group.js";

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
