import { expect, test } from "vitest";
import type { AcceleratorName, Writable } from "../../src/engine.js";
import type { Open } from "../../src/schedule/opened.js";
import { Scheduler, type SchedulerOptions } from "../../src/schedule/scheduler.js";
import { answer, Clock, FakeEngine, FakeGpu, MemoryStore, settle } from "./fakes.js";

/** A name that a third device would have. */
const npu = "npu" as AcceleratorName;

const input = (seed = 1) => Float32Array.from({ length: 8 }, (_, at) => Math.sin(seed * (at + 1)));

interface Ms {
  readonly gpuMs?: number;
  readonly npuMs?: readonly number[];
}

/** 24 ms on the CPU, 13 on the GPU and 7 on the third device. */
function scene({ gpuMs = 2, npuMs = Array(6).fill(1), ...options }: Partial<SchedulerOptions> & Ms = {}) {
  const clock = new Clock();
  const cpu = new FakeEngine("cpu", clock, Array(6).fill(4));
  const gpu = new FakeGpu("gpu", clock, Array(6).fill(gpuMs), 1);
  const third = new FakeEngine(npu, clock, npuMs, 1);
  const openers: Record<string, Open> = {
    gpu: async () => ({ engine: gpu, software: false, key: "gpu" }),
    npu: async () => ({ engine: third, software: false, key: "npu" }),
  };
  // What a device that is no GPU has not.
  Object.defineProperty(third, "stats", { value: { kernels: "npu kernels" } });
  const scheduler = new Scheduler({ cpu, device: "auto", now: clock.now, sleep: clock.sleep, openers, ...options });
  const devices = () => scheduler.plan.stages.map(({ device }) => device);
  const ask = async (seed: number) => {
    expect(await scheduler.run(input(seed))).toEqual(answer(input(seed)));
    await settle();
  };
  return { clock, cpu, gpu, third, scheduler, devices, ask };
}

const everywhere = (device: string) => Array(6).fill(device);

test("three devices: each is measured, the best one runs, and the plan has all times", async () => {
  const { scheduler, devices, ask, cpu, gpu, third } = scene();
  await ask(1);
  expect(devices()).toEqual(everywhere(npu));
  const { stages, summary } = scheduler.plan;
  expect(stages[0]!.reason).toBe("the NPU is faster: CPU 24.0 ms, GPU 13.0 ms, NPU 7.0 ms");
  for (const { ms } of stages) expect(ms).toEqual({ cpu: 4, gpu: expect.closeTo(2), npu: expect.closeTo(1) });
  expect([summary.cpuMs, summary.gpuMs, summary.predictedMs]).toEqual([24, expect.closeTo(13), expect.closeTo(7)]);
  expect(scheduler.stats).toMatchObject({ gpuBytes: 7, kernels: "fake kernels, fake kernels, npu kernels" });
  const before = third.runs;
  await ask(2);
  expect(third.runs).toBe(before + 1);
  await scheduler.close();
  expect([cpu, gpu, third].map(({ closed }) => closed)).toEqual([true, true, true]);
});

test("one that fails: the CPU goes on from there, the next best one takes its place, and it is tried again", async () => {
  const { scheduler, clock, devices, ask, third } = scene();
  await ask(1);
  third.fault = () => {
    throw new Error("the driver is gone");
  };
  await ask(2);
  expect(devices()).toEqual(everywhere("gpu"));
  expect(scheduler.plan.summary.history.slice(-2)).toEqual([
    "the NPU failed (the driver is gone); it is tried again in 30 s",
    "the GPU is faster: CPU 24.0 ms, GPU 13.0 ms",
  ]);
  expect(scheduler.plan.stages[0]!.ms).not.toHaveProperty(npu);
  await ask(3);
  clock.advance(31_000);
  await settle();
  // This one is closed: it fails again, and the GPU stays.
  expect(devices()).toEqual(everywhere("gpu"));
  expect(scheduler.plan.summary.history.at(-1)).toMatch(/NPU failed while it was tried: closed/);
  await ask(4);
});

test("one that is wrong is not used, whatever the other is like", async () => {
  const { scheduler, devices, ask, third } = scene();
  third.fault = (x) => x.map(() => 0);
  await ask(1);
  expect(devices()).toEqual(everywhere("gpu"));
  expect(scheduler.plan.summary.history).toContainEqual(expect.stringMatching(/nothing but zeros/));
});

test("a hybrid is of the CPU and one of them", async () => {
  const { devices, ask, scheduler } = scene({ gpuMs: 5, npuMs: [0.1, 0.1, 0.1, 30, 30, 30] });
  await ask(1);
  expect(devices()).toEqual([npu, npu, npu, "cpu", "cpu", "cpu"]);
  expect(scheduler.plan.stages[0]!.reason).toMatch(/^both together take 13\.3 ms: CPU 24\.0 ms, GPU 31\.0 ms, NPU/);
  await ask(2);
});

test("an image on the GPU is read for another device", async () => {
  const { ask, scheduler, devices } = scene();
  await ask(1);
  let reads = 0;
  const frame = {
    run: async (_: Writable): Promise<Float32Array> => {
      throw new Error("not for this one");
    },
    read: async () => {
      reads++;
      return input(2);
    },
  };
  expect(await scheduler.run(frame)).toEqual(answer(input(2)));
  expect(reads).toBe(1);
  expect(devices()).toEqual(everywhere(npu));
});

test("costs are kept for each device, under its own key", async () => {
  const store = new MemoryStore();
  const first = scene({ store });
  await first.ask(1);
  expect([...store.kept.keys()]).toEqual(["gpu", "npu"]);
  const runs = first.scheduler.plan.summary.calibrationRuns;
  const second = scene({ store });
  await second.ask(1);
  expect(second.scheduler.plan.summary.calibrationRuns).toBe(0);
  expect(second.devices()).toEqual(everywhere(npu));
  // A name that was not measured under this key is measured.
  store.kept.set("gpu", store.kept.get("npu")!);
  const third = scene({ store });
  await third.ask(1);
  expect(third.scheduler.plan.summary.calibrationRuns).toBeGreaterThan(0);
  expect(third.scheduler.plan.summary.calibrationRuns).toBeLessThan(runs);
});
