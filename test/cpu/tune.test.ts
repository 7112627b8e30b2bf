import { describe, expect, test } from "vitest";
import { planMemory } from "../../src/cpu/reserve.js";
import { mostBytes } from "../../src/cpu/tune/tune.js";
import type { Network } from "../../src/graph/network.js";
import type { Store } from "../../src/host/store.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { engineFor, modules } from "./engine.js";
import { conv, networkOf, weightOf } from "./one-operation.js";

function memoryStore(): Store & { readonly texts: Map<string, string> } {
  const texts = new Map<string, string>();
  return { texts, get: async (key) => texts.get(key) ?? null, set: async (key, value) => void texts.set(key, value) };
}

describe.each(modules)("tuning, %s", (simd) => {
  // Large enough to be worth measuring, small enough for a test.
  const network = pseudoRandomNetwork("resnet18", { inputSize: 96 });
  const input = Float32Array.from({ length: 3 * 96 * 96 }, (_, index) => Math.sin(index));
  const run = async (store: Store) => {
    const engine = await engineFor(network, { simd, store, threads: 1 });
    const logits = (await engine.run(0, network.stages.length - 1, input)).slice();
    const { stats } = engine;
    await engine.close();
    return { logits, stats };
  };

  test("a second load measures nothing and chooses the same", async () => {
    const store = memoryStore();
    const first = await run(store);
    expect(first.stats.measurements).toBeGreaterThan(0);
    expect(store.texts.size).toBe(1);
    const second = await run(store);
    expect(second.stats).toEqual({ ...first.stats, measurements: 0 });
    expect(second.logits).toEqual(first.logits);
  });

  /** What a first load keeps, and its logits: the same for each case. */
  let kept: Promise<{ readonly keys: readonly string[]; readonly logits: Float32Array }> | null = null;
  const firstLoad = async () => {
    const store = memoryStore();
    const { logits } = await run(store);
    return { keys: [...store.texts.keys()], logits };
  };

  test.each([
    "",
    "null",
    "{",
    '{"tile":"9x9","kernels":{}}',
    '{"tile":"4x8"}',
    '{"tile":"4x8","kernels":{"1,1,1":"f32_conv"}}',
  ])("what was kept is not trusted: %s", async (text) => {
    kept ??= firstLoad();
    const { keys, logits } = await kept;
    const store = memoryStore();
    for (const key of keys) store.texts.set(key, text);
    const again = await run(store);
    expect(again.stats.measurements).toBeGreaterThan(0);
    const largest = Math.max(...logits.map(Math.abs));
    for (const [index, logit] of logits.entries()) {
      expect(Math.abs(again.logits[index]! - logit) / largest).toBeLessThan(1e-5);
    }
  });

  test("what is kept is believed where a dilated layer has a plain one's shape", async () => {
    const shape = { height: 8, width: 8, channels: 512 };
    const weight = weightOf([512, 512, 3, 3]);
    const plain = conv({ weight, padding: [1, 1, 1, 1] });
    const dilated = conv({ weight, padding: [2, 2, 2, 2], dilation: [2, 2], inputs: [2], output: 3 });
    const one = networkOf(plain, [{ ...shape, channels: 3 }, shape, shape]);
    const both: Network = {
      ...one,
      values: [...one.values, shape],
      stages: [one.stages[0]!, { name: "both", input: 1, output: 3, ops: [plain, dilated] }],
      output: 3,
    };
    const store = memoryStore();
    const measurements: number[] = [];
    for (let load = 0; load < 2; load++) {
      const engine = await engineFor(both, { simd, store, threads: 1 });
      measurements.push(engine.stats.measurements);
      await engine.close();
    }
    expect(measurements[0]).toBeGreaterThan(0);
    expect(measurements[1]).toBe(0);
  });

  test("a kernel that does not fit its shape is not believed", async () => {
    const store = memoryStore();
    await run(store);
    for (const [key, value] of store.texts) {
      store.texts.set(key, value.replaceAll(/"f32_conv[^"]*"/g, '"f32_conv3x3s2_winograd4_lean"'));
    }
    expect((await run(store)).stats.measurements).toBeGreaterThan(0);
  });

  test("a store that fails costs nothing but the measurement", async () => {
    const broken: Store = { get: () => Promise.reject(new Error("no")), set: () => Promise.reject(new Error("no")) };
    expect((await run(broken)).stats.measurements).toBeGreaterThan(0);
  });

  test("small networks and forced kernels have nothing to measure", async () => {
    const small = await engineFor(pseudoRandomNetwork("resnet20"), { simd });
    expect(small.stats.measurements).toBe(0);
    await small.close();
    const forced = await engineFor(network, { simd, convolution: "direct", tile: "4x8", threads: 1 });
    expect(forced.stats.measurements).toBe(0);
    await forced.close();
  });
});

test.each([
  ["resnet18", 110],
  ["resnet34", 160],
  ["resnet50", 180],
])("whatever wins, %s takes at most %d MB", (name, most) => {
  const network = pseudoRandomNetwork(name);
  for (const threads of [1, 2]) {
    const bytes = mostBytes(network, { threads, memory: "fast", convolution: "auto" });
    expect(bytes).toBeLessThanOrEqual(most * 1e6);
    expect(bytes).toBeGreaterThanOrEqual(planMemory(network, { threads }).total);
  }
});
