import { describe, expect, test } from "vitest";
import { median } from "../../src/base/median.js";
import { judge, roundsFor, spreadOf } from "../../src/bench/statistics.js";
import { orderOf, takeTurns } from "../../src/bench/turns.js";
import { generator } from "../random.js";

const normal = (next: () => number) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

/**
 * A machine as they are: it grows slower while it runs, has phases, is disturbed now and then, and gives each engine that is
 * opened a speed of its own by where its memory lies. `factors`: how long each configuration takes beside the first.
 */
function measured(seed: number, factors: readonly number[], rounds: number): number[][] {
  const next = generator(seed);
  const ms = factors.map(() => [] as number[]);
  let turn = 0;
  let phase = 1;
  for (let round = 0; round < rounds; round++) {
    for (const index of orderOf(factors.length, round)) {
      if (next() < 0.1) phase = 0.8 + 0.6 * next();
      const throttled = 1 + 0.01 * turn++;
      const place = 1 + 0.03 * (next() - 0.5);
      const disturbed = next() < 0.1 ? 1 + 2 * next() : 1;
      ms[index]!.push(20 * factors[index]! * throttled * phase * place * disturbed * (1 + 0.02 * normal(next)));
    }
  }
  return ms;
}

const verdictOf = (ms: readonly number[][]) => judge(ms.map((values, index) => ({ name: `no. ${index}`, ms: values })));
const winners = (factors: readonly number[], runs: number, rounds = 20) =>
  Array.from({ length: runs }, (_, seed) => verdictOf(measured(seed, factors, rounds)).winner);

describe("which is the fastest", () => {
  // A thousand times what a user is promised: twenty runs of twenty.
  test.each([2, 3, 7])("%i times the same: never a winner, in noise and drift", (count) => {
    expect(winners(Array(count).fill(1), 1000).filter((it) => it !== null)).toEqual([]);
  });

  test("medians alone would crown one nearly every time", () => {
    const apart = Array.from({ length: 100 }, (_, seed) => measured(seed, [1, 1], 20).map(median));
    expect(apart.filter(([a, b]) => Math.abs(a! / b! - 1) > 0.02).length).toBeGreaterThan(30);
  });

  test("what is twice as fast wins, in the same noise", () => {
    const found = winners([2, 1], 100);
    expect(found.filter((it) => it === "no. 1").length).toBeGreaterThan(90);
    expect(found).not.toContain("no. 0");
  });

  test("what lies within the margin is no difference, however sure it is", () => {
    const ms = Array.from({ length: 50 }, (_, round) => 10 + round);
    expect(verdictOf([ms, ms.map((it) => it * 1.015)])).toMatchObject({ winner: null, together: ["no. 0", "no. 1"] });
    expect(verdictOf([ms, ms.map((it) => it * 1.03)])).toMatchObject({ winner: "no. 0" });
  });

  test("too few rounds name nobody, and say how many it takes", () => {
    const ten = Array(10).fill(10);
    const found = verdictOf([ten, ten.map((it) => 2 * it)]);
    expect(found.winner).toBe(null);
    expect(found.text).toMatch(
      /No difference measured between no\. 0 and no\. 1; measure again\. 10 rounds are too few.*11 at least/,
    );
    expect(roundsFor(2)).toBe(11);
    expect(verdictOf([[...ten, 10], [...ten, 10].map((it) => 2 * it)]).winner).toBe("no. 0");
  });

  test("of three, two that cannot be told apart are named, and the third is not", () => {
    const ms = Array.from({ length: 30 }, (_, round) => 10 + (round % 3));
    const found = verdictOf([ms, ms.map((it) => it * 1.001), ms.map((it) => it * 1.5)]);
    expect(found).toMatchObject({ winner: null, together: ["no. 0", "no. 1"] });
    expect(found.text).not.toContain("no. 2");
  });

  test("nothing, and one alone", () => {
    expect(judge([])).toMatchObject({ winner: null, text: "Nothing to compare." });
    expect(judge([{ name: "a", ms: [1, 2] }])).toMatchObject({ winner: null });
  });
});

describe("a median's interval", () => {
  // Conover, Practical Nonparametric Statistics, and any table of the binomial distribution: of ten values the second and the ninth.
  test("of ten values at 95 %: the second and the ninth, 97.9 %", () => {
    const { median, low, high, confidence } = spreadOf([10, 1, 9, 2, 8, 3, 7, 4, 6, 5]);
    expect([median, low, high]).toEqual([5.5, 2, 9]);
    expect(confidence).toBeCloseTo(0.9785, 4);
  });

  test("of twenty: the sixth and the fifteenth, 95.9 %", () => {
    const { low, high, confidence } = spreadOf(Array.from({ length: 20 }, (_, index) => index + 1));
    expect([low, high]).toEqual([6, 15]);
    expect(confidence).toBeCloseTo(0.9586, 4);
  });

  test("of 2,000: about the square root of that many ranks around the median, not none", () => {
    const { low, high, confidence } = spreadOf(Array.from({ length: 2000 }, (_, index) => index + 1));
    // 1,000 and 1.96 * sqrt(2000) / 2 on either side.
    expect(low).toBeCloseTo(1000 - 44, -1);
    expect(high).toBeCloseTo(1000 + 44, -1);
    expect(confidence).toBeGreaterThan(0.95);
    expect(confidence).toBeLessThan(0.96);
  });

  test("of three: all of them, and that this is little", () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3, confidence: 0.75 });
    expect(spreadOf([4])).toMatchObject({ median: 4, low: 4, high: 4, confidence: 0 });
  });

  test("it covers the true median as often as it says", () => {
    const next = generator(1);
    let covered = 0;
    for (let trial = 0; trial < 2000; trial++) {
      const { low, high } = spreadOf(Array.from({ length: 20 }, () => Math.exp(normal(next))));
      if (low <= 1 && high >= 1) covered++;
    }
    expect(covered / 2000).toBeGreaterThan(0.945);
    expect(covered / 2000).toBeLessThan(0.975);
  });
});

describe("turns", () => {
  test("each pair of rounds has each order and its reverse", () => {
    expect(orderOf(3, 0)).toEqual([0, 1, 2]);
    expect(orderOf(3, 1)).toEqual([2, 1, 0]);
    expect(orderOf(3, 2)).toEqual([1, 2, 0]);
    expect(orderOf(3, 3)).toEqual([0, 2, 1]);
  });

  test("every turn has an engine of its own, closed before the next opens", async () => {
    const log: string[] = [];
    const contender = (name: string) => ({
      name,
      async open() {
        log.push(`open ${name}`);
        return {
          run: () => new Promise((resolve) => setTimeout(resolve, 20)),
          close: async () => void log.push(`close ${name}`),
        };
      },
    });
    const seen: number[] = [];
    const ms = await takeTurns([contender("a"), contender("b")], {
      rounds: 2,
      onRound: (times) => seen.push(times[0]!.length),
    });
    expect(log.join()).toBe("open a,close a,open b,close b,open b,close b,open a,close a");
    expect(seen).toEqual([1, 2]);
    expect(ms.map((values) => values.length)).toEqual([2, 2]);
    for (const value of ms.flat()) expect(value).toBeGreaterThan(15);
  });

  test("stopped within a round: whole rounds stay; a failure closes its engine", async () => {
    const stop = new AbortController();
    let opened = 0;
    const counting = (run: () => Promise<unknown>) => ({
      name: "one",
      async open() {
        opened++;
        return {
          run,
          async close() {
            opened--;
          },
        };
      },
    });
    const wait = () => new Promise((resolve) => setTimeout(resolve, 20));
    const stopping = () => {
      stop.abort();
      return wait();
    };
    const ms = await takeTurns([counting(wait), counting(stopping)], {
      rounds: 5,
      signal: stop.signal,
    });
    expect(ms.map((values) => values.length)).toEqual([1, 1]);
    await expect(takeTurns([counting(() => Promise.reject(new Error("no")))], { rounds: 1 })).rejects.toThrow("no");
    expect(opened).toBe(0);
  });
});
