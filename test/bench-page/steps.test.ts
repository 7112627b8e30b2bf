import { describe, expect, onTestFinished, test, vi } from "vitest";
import { BUDGET_MS, predict } from "../../bench/page/forecast.js";
import type { DeviceDescription, Settings } from "../../bench/page/report.js";
import { latencyOf, sample } from "../../bench/page/samples.js";
import { type Step, stepsOf, titleOf, unavailableOn } from "../../bench/page/steps.js";

const gpu = {
  available: true,
  software: false,
  name: "a GPU",
  reason: "a GPU",
  half: true,
  vendor: "",
  architecture: "",
  maxBufferSize: 0,
  maxStorageBufferBindingSize: 0,
};
const phone: DeviceDescription = {
  name: "phone",
  browser: "",
  browserVersion: "",
  platform: "",
  userAgent: "",
  cores: 6,
  memoryGiB: null,
  secureContext: true,
  crossOriginIsolated: true,
  threadObstacle: null,
  relaxedSimd: true,
  clockMs: 0.005,
  roofGflops: 20,
  gpu,
};
const everything: Settings = {
  networks: ["resnet18"],
  inputSize: 224,
  runs: 20,
  baseline: true,
  threads: true,
  gpu: true,
  half: true,
  softwareGpu: false,
  rounds: 20,
  control: false,
  pictures: true,
  sustainedSeconds: 0,
};
const titles = (settings: Settings, device: DeviceDescription) => stepsOf(settings, device).map(titleOf);
const reasons = (settings: Settings, device: DeviceDescription) =>
  unavailableOn(device, settings).map(({ what, why }) => `${what}: ${why}`);

describe("steps", () => {
  test("everything, where it can be had: the GPU after the one thread that it is checked against", () => {
    expect(titles(everything, phone)).toEqual([
      "CPU, relaxed SIMD, 1 thread",
      "GPU",
      "GPU, f16 storage",
      "CPU, relaxed SIMD, 2 threads",
      "CPU, relaxed SIMD, 4 threads",
      "CPU, relaxed SIMD, 6 threads",
      "CPU, baseline SIMD, 1 thread",
    ]);
    expect(unavailableOn(phone, everything)).toEqual([]);
  });

  test("what was not asked for is neither measured nor missed", () => {
    const little = { ...everything, baseline: false, threads: false, gpu: false };
    const poor = { ...phone, threadObstacle: "no", relaxedSimd: false, gpu: { ...gpu, available: false } };
    expect(titles(little, poor)).toEqual(["CPU, baseline SIMD, 1 thread"]);
    expect(unavailableOn(poor, little)).toEqual([]);
  });

  test("a phone on plain http: one thread, no GPU, and what to do", () => {
    const device: DeviceDescription = {
      ...phone,
      secureContext: false,
      crossOriginIsolated: false,
      threadObstacle: "no shared memory",
      clockMs: 0.1,
      gpu: { ...gpu, available: false, half: false, reason: "no WebGPU here" },
    };
    expect(titles(everything, device)).toEqual(["CPU, relaxed SIMD, 1 thread", "CPU, baseline SIMD, 1 thread"]);
    const [threads, missing, clock, ...more] = reasons(everything, device);
    expect(threads).toMatch(/More than one thread: no shared memory.*--https/);
    expect(missing).toMatch(/GPU: no WebGPU here.*--https/);
    expect(clock).toMatch(/0\.10 ms/);
    expect(more).toEqual([]);
  });

  test("a software GPU is timed when it is asked for", () => {
    const device = { ...phone, gpu: { ...gpu, software: true, half: false, reason: "llvmpipe is a software adapter" } };
    expect(titles(everything, device)).not.toContain("GPU");
    expect(reasons(everything, device).join()).toMatch(/llvmpipe is a software adapter/);
    expect(titles({ ...everything, softwareGpu: true }, device)).toContain("GPU");
    expect(reasons({ ...everything, softwareGpu: true }, device)).toEqual([
      "GPU with f16 storage: the adapter lacks shader-f16",
    ]);
  });
});

describe("forecast", () => {
  const size = { macs: 1.8e9, parameters: 11.7e6 };
  const one: Step = { network: "resnet18", device: "cpu", simd: "relaxed", threads: 1 };
  const ms = (step: Step, device = phone, settings = everything) => predict(step, size, device, settings);

  test("slower cores, more runs and fewer threads take longer", () => {
    expect(ms(one, { ...phone, roofGflops: 5 })).toBeGreaterThan(ms(one));
    expect(ms(one, phone, { ...everything, runs: 5 })).toBeLessThan(ms(one));
    expect(ms({ ...one, threads: 4 })).toBeLessThan(ms(one));
  });

  test("a budget bounds a slow device", () => {
    expect(ms(one, phone, { ...everything, runs: 500 })).toBeLessThan(2 * BUDGET_MS);
  });
});

describe("samples", () => {
  test("median, minimum and p90 of values known by hand", () => {
    const ms = [5, 1, 4, 2, 3, 10, 9, 8, 7, 6];
    expect(latencyOf({ ms, calls: 2 })).toEqual({
      ...{ median: 5.5, low: 2, high: 9, min: 1, p90: 9 },
      ...{ samples: ms, callsPerSample: 2 },
    });
    expect(latencyOf({ ms: [3, 1, 2], calls: 1 })).toMatchObject({ median: 2, min: 1, p90: 3 });
  });

  test("a budget ends the rounds, but not before three; tasks take turns", async () => {
    const order: string[] = [];
    const task = (name: string) => async () => {
      order.push(name);
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const [a, b] = await sample([task("a"), task("b")], {
      rounds: 50,
      budgetMs: 0,
      clockMs: 0.001,
      onRound: () => {},
    });
    expect([a!.ms.length, b!.ms.length]).toEqual([3, 3]);
    // The first one wakes whoever sleeps, and is not counted.
    expect(order.slice(-6)).toEqual(["a", "a", "b", "a", "a", "b"]);
  });

  test("a coarse clock is given many calls at once", async () => {
    let calls = 0;
    // Not the machine's clock: on a busy one a call may take as long as many.
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    onTestFinished(() => void vi.restoreAllMocks());
    const task = async () => {
      calls++;
      now += 0.25;
    };
    const [samples] = await sample([task], { rounds: 3, budgetMs: 1e4, clockMs: 0.1, onRound: () => {} });
    // Fifty ticks of 0.1 ms, in calls of 0.25 ms.
    expect(samples!.calls).toBeGreaterThan(5);
    expect(samples!.calls).toBeLessThanOrEqual(26);
    expect(calls).toBeGreaterThanOrEqual(3 * samples!.calls);
    for (const ms of samples!.ms) expect(ms).toBeGreaterThanOrEqual(0.2);
  });
});
