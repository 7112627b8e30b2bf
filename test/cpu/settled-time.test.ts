import { expect, test, vi } from "vitest";
import { settledTime } from "../../src/cpu/tune/settled-time.js";

test("a kernel whose optimised code comes late is timed by that, on a machine where turns are long", () => {
  let now = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  try {
    let turns = 0;
    const early = () => (now += 10);
    const late = () => (now += ++turns > 3 ? 5 : 80);
    expect(settledTime([early, late])).toEqual([10, 5]);
  } finally {
    clock.mockRestore();
  }
});

test("a clock that improves for ever is not waited for", () => {
  let now = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  try {
    let ms = 1000;
    const [best] = settledTime([() => (now += ms *= 0.9)]);
    expect(best).toBeCloseTo(900, 6);
  } finally {
    clock.mockRestore();
  }
});
