import { expect, test, vi } from "vitest";
import { orAfter } from "../../src/base/or-after.js";

test("work that is done leaves no timer that keeps a process; work that is not is waited for so long", async () => {
  vi.useFakeTimers();
  try {
    await orAfter(Promise.resolve(), 1000);
    expect(vi.getTimerCount()).toBe(0);
    await expect(orAfter(Promise.reject(new Error("failed")), 1000)).rejects.toThrow("failed");
    expect(vi.getTimerCount()).toBe(0);
    const done = vi.fn();
    const waiting = orAfter(new Promise(() => {}), 1000).then(done);
    await vi.advanceTimersByTimeAsync(999);
    expect(done).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
  } finally {
    vi.useRealTimers();
  }
});
