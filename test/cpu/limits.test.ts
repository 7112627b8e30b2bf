import { describe, expect, test } from "vitest";
import { planArena } from "../../src/cpu/program/arena.js";
import { planMemory } from "../../src/cpu/reserve.js";
import type { Network, Weight } from "../../src/graph/network.js";
import { pseudoRandomNetwork } from "../../src/model/index.js";
import { engineFor } from "./engine.js";
import { conv, networkOf } from "./one-operation.js";

const GB = 1e9;

/** What `work` takes, in ms of the processor's time, and in bytes that are still held after it. */
async function costOf(work: () => unknown): Promise<{ ms: number; bytes: number }> {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  const after = process.memoryUsage();
  const bytes = after.heapUsed + after.external + after.arrayBuffers - heapUsed - external - arrayBuffers;
  return { ms: (user + system) / 1000, bytes };
}

function wide(width: number, size: number): Network {
  const weight: Weight = { shape: [width, width, size, size], read: () => {} };
  const shape = { height: 56, width: 56, channels: width };
  const op = conv({ weight, padding: [size >> 1, size >> 1, size >> 1, size >> 1], bias: null });
  const network = networkOf(op, [{ ...shape, channels: 3 }, shape, shape]);
  return { ...network, stages: network.stages.slice(1) };
}

test("areas beyond 2 GB do not overlap", () => {
  const lifetimes = [3 * GB, 5 * GB, 3 * GB].map((bytes) => ({ bytes, first: 0, last: 1 }));
  const { offsets, bytes } = planArena(lifetimes);
  const places = offsets.map((at, index) => [at, at + lifetimes[index]!.bytes]).sort((a, b) => a[0]! - b[0]!);
  for (const [index, [at]] of places.entries()) {
    expect(at).toBeGreaterThanOrEqual(index ? places[index - 1]![1]! : 0);
    expect(at! % 64).toBe(0);
  }
  expect(bytes).toBeGreaterThanOrEqual(11 * GB);
});

describe("a plan says what a network takes, at once, however much that is", () => {
  test.each([
    ["resnet18", 4096, 1.57],
    ["resnet18", 6000, 3.18],
    ["resnet18", 16384, 22.6],
    ["resnet152", 6000, 4.31],
    ["resnet152", 16384, 28.5],
  ])("%s at %d pixels", async (name, inputSize, gigabytes) => {
    const network = pseudoRandomNetwork(name, { inputSize });
    for (const threads of [1, 8]) {
      let total = 0;
      const cost = await costOf(() => {
        total = planMemory(network, { threads }).total;
      });
      expect(total / GB / gigabytes).toBeGreaterThan(0.95);
      expect(total / GB / gigabytes).toBeLessThan(1.05);
      expect(cost.ms).toBeLessThan(2000);
      expect(cost.bytes).toBeLessThan(64e6);
    }
  });

  test.each([
    [4096, 3],
    [65536, 1],
    [65536, 3],
  ])("%d channels, %dx%d", async (width, size) => {
    for (const threads of [1, 8]) {
      let [weights, total] = [0, 0];
      const cost = await costOf(() => {
        ({ weights, total } = planMemory(wide(width, size), { threads }));
      });
      expect(cost.ms).toBeLessThan(2000);
      expect(weights).toBeGreaterThanOrEqual(4 * width * width * size * size);
      expect(total).toBeGreaterThan(weights);
    }
  });
});

describe("what WebAssembly cannot hold is refused before any memory is taken", () => {
  test.each([
    ["resnet152 at 16384 pixels", pseudoRandomNetwork("resnet152", { inputSize: 16384 }), /take 28\.\d GB.*4\.3 GB/],
    ["65536 channels", wide(65536, 3), /take \d{3}\.\d GB.*inputSize/],
  ])("%s", async (_, network, message) => {
    const cost = await costOf(async () => {
      await expect(engineFor(network)).rejects.toMatchObject({
        name: "WasmError",
        message: expect.stringMatching(message),
      });
    });
    expect(cost.ms).toBeLessThan(2000);
    expect(cost.bytes).toBeLessThan(64e6);
  });
});
