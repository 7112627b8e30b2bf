import { expect, test } from "vitest";
import { Latest } from "../../examples/extension/latest.js";

/** Loads that are settled by hand. */
function loads() {
  const started: { resolve(value: string): void; reject(error: Error): void }[] = [];
  const latest = new Latest(() => new Promise<string>((resolve, reject) => started.push({ resolve, reject })));
  return { started, latest };
}

test("loads once, until it is dropped", async () => {
  const { started, latest } = loads();
  expect(latest.drop()).toBe(null);
  const first = latest.get();
  expect(latest.get()).toBe(first);
  started[0]!.resolve("first");
  expect(await latest.get()).toBe("first");
  expect(latest.drop()).toBe(first);
  const second = latest.get();
  expect(started).toHaveLength(2);
  started[1]!.resolve("second");
  expect(await second).toBe("second");
});

test("a load that fails is tried again, and takes no later one with it", async () => {
  const { started, latest } = loads();
  const [first] = [latest.get()];
  latest.drop();
  const second = latest.get();
  started[0]!.reject(new Error("the first"));
  await expect(first).rejects.toThrow("the first");
  expect(latest.get()).toBe(second);
  // Whoever used the first one drops it alone.
  expect(latest.drop(first)).toBe(null);
  expect(latest.get()).toBe(second);
  started[1]!.reject(new Error("the second"));
  await expect(second).rejects.toThrow("the second");
  const third = latest.get();
  started[2]!.resolve("third");
  expect(await third).toBe("third");
});
