import { expect, test } from "vitest";
import { likelyVariant } from "../../src/cpu/settle.js";
import type { ThreadSupport } from "../../src/cpu/threads/choose-threads.js";

const support = (obstacle: string | null) => ({ obstacle }) as ThreadSupport;

test.each([
  ["one thread is asked for", 1, support(null), "baseline"],
  ["threads cannot be had", "auto", support("no shared memory"), "baseline"],
  ["nothing is known of threads", "auto", undefined, "baseline"],
  ["the network says how many threads are worth it", "auto", support(null), null],
  ["threads are asked for", 2, support(null), null],
] as const)("the module that is fetched ahead, where %s", (_, threads, support, expected) => {
  expect(likelyVariant({ simd: "baseline", threads }, support)).toBe(expected);
});
