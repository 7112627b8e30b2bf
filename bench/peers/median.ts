import { median } from "../../src/base/median.js";

/** The median of so many times of what is done, in ms, after as many that do not count: engines compile what they see often. */
export async function medianOf(count: number, act: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let turn = -count; turn < count; turn++) {
    const begin = performance.now();
    await act();
    if (turn >= 0) times.push(performance.now() - begin);
  }
  return median(times);
}
