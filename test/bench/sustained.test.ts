import { expect, onTestFinished, test, vi } from "vitest";
import { sparkline, sustain, throttling } from "../../src/bench/sustained.js";

const points = (ms: readonly number[]) => ms.map((value, index) => ({ seconds: index + 1, ms: value }));

test("a device that grows slower: its curve, and by how much", () => {
  const slower = points(Array.from({ length: 100 }, (_, index) => (index < 50 ? 10 : 20)));
  expect(throttling(slower)).toBe(2);
  expect(throttling(points(Array(30).fill(7)))).toBe(1);
  expect(throttling([])).toBeNaN();
  expect(sparkline(slower, 4)).toBe("▄▄██");
  expect(sparkline(points([1, 8]))).toBe("▁█");
  expect(sparkline([])).toBe("");
});

test("a median a second, until the time is over or somebody stops it", async () => {
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  onTestFinished(() => void vi.restoreAllMocks());
  const run = async () => {
    now += 100;
  };
  const whole = await sustain(run, { seconds: 5 });
  expect(whole.map(({ seconds }) => Math.round(seconds))).toEqual([1, 2, 3, 4, 5]);
  for (const { ms } of whole) expect(ms).toBe(100);
  const stop = new AbortController();
  const stopped = await sustain(run, {
    seconds: 300,
    signal: stop.signal,
    onPoint: ({ seconds }) => seconds > 2.5 && stop.abort(),
  });
  expect(stopped).toHaveLength(3);
});
