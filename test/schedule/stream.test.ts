import { expect, test } from "vitest";
import { planStream } from "../../src/schedule/planner.js";
import { Scheduler } from "../../src/schedule/scheduler.js";
import { generator } from "../random.js";
import { answer, SharedClock, settle, TimedEngine } from "./fakes.js";

const input = (seed: number) => Float32Array.from({ length: 8 }, (_, at) => Math.sin(seed * (at + 1)));

async function scene(cpuMs: number, gpuMs: number, waitMs = 1) {
  const clock = new SharedClock();
  const cpu = new TimedEngine("cpu", clock, Array(6).fill(cpuMs));
  const gpu = new TimedEngine("gpu", clock, Array(6).fill(gpuMs), waitMs);
  const scheduler = new Scheduler({
    cpu,
    device: "auto",
    now: clock.now,
    openers: { gpu: async () => ({ engine: gpu, software: false, key: "adapter" }) },
  });
  await clock.until(scheduler.run(input(0)));
  await clock.until(
    (async () => {
      while (!scheduler.plan.summary.stream) await settle();
    })(),
  );
  /** `count` requests, so many asked for at a time; ms that they take together. */
  const ask = async (count: number, atOnce: number) => {
    const order: number[] = [];
    const start = clock.time;
    let next = 0;
    const caller = async () => {
      while (next < count) {
        const index = next++;
        expect(await scheduler.run(input(index))).toEqual(answer(input(index)));
        order.push(index);
      }
    };
    await clock.until(Promise.all(Array.from({ length: atOnce }, caller)));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    return clock.time - start;
  };
  return { clock, cpu, gpu, scheduler, ask };
}

test("several images at once: both devices work, in order, at the pace that was predicted", async () => {
  const { cpu, gpu, scheduler, ask } = await scene(4, 2.5);
  const single = await ask(50, 1);
  expect(scheduler.plan.summary.stream!.measuredMs).toBeNull();
  const before = { cpu: cpu.workedMs, gpu: gpu.workedMs };
  const stream = await ask(100, 4);
  const summary = scheduler.plan.summary.stream!;
  expect(new Set(summary.devices)).toEqual(new Set(["cpu", "gpu"]));
  expect(summary.depth).toBe(2);
  expect(Math.abs(summary.measuredMs! / summary.predictedMs - 1)).toBeLessThan(0.15);
  expect(Math.abs(stream / 100 / summary.predictedMs - 1)).toBeLessThan(0.15);
  // 16 ms on the GPU alone; 12 ms where the CPU takes three stages of it.
  expect(single / 50 / (stream / 100)).toBeGreaterThan(1.25);
  expect((cpu.workedMs - before.cpu) / stream).toBeGreaterThan(0.6);
  expect((gpu.workedMs - before.gpu) / stream).toBeGreaterThan(0.8);
  expect(`${scheduler.plan}`).toMatch(
    /a stream: on the GPU stage\d.*; predicted [\d.]+ ms an image \([\d.]+ a second\), measured .*, 2 in flight, answered in order/,
  );
  await scheduler.close();
});

test("a GPU that is lost in the middle of a stream: every answer right, in order, and one fault counted", async () => {
  const { gpu, scheduler, ask } = await scene(4, 2.5);
  const end = gpu.runs + 7;
  gpu.fault = (x) => {
    if (gpu.runs > end) throw new Error("the device was lost");
    return x;
  };
  await ask(40, 5);
  expect(scheduler.plan.summary.stream).toBeNull();
  expect(`${scheduler.plan}`).toMatch(/the device was lost.*tried again/);
  await scheduler.close();
});

test("where one device does nearly all the good, a stream is run as single images are", async () => {
  const { scheduler, ask } = await scene(4, 0.1);
  await ask(60, 4);
  const { stream } = scheduler.plan.summary;
  expect(new Set(stream!.devices)).toEqual(new Set(["gpu"]));
  await scheduler.close();
});

test("devices that hold each other up: what is predicted becomes what is measured, or one device does it all", async () => {
  const { clock, scheduler, ask } = await scene(4, 2.5);
  clock.contention = 4;
  await ask(400, 4);
  const { stream } = scheduler.plan.summary;
  expect(new Set(stream!.devices)).toEqual(new Set(["gpu"]));
  // 16 ms on the GPU alone.
  expect((await ask(40, 4)) / 40).toBeCloseTo(16, 0);
  await scheduler.close();
});

test("10,000 random cost tables: the pace is the best of all stretches, or that of the present plan", () => {
  const random = generator(4);
  for (let round = 0; round < 10_000; round++) {
    const stages = 1 + Math.floor(random() * 6);
    const values = (scale: number) => Array.from({ length: stages }, () => random() ** 2 * scale);
    const [cpuMs, gpuMs, up, down, wait] = [values(20), values(20), values(4), values(4), random() * 6];
    const costs = { stages: { cpu: cpuMs, gpu: gpuMs }, moves: { gpu: { up, down, wait } } };
    const pace = (mask: number) => {
      let cpu = 0;
      let gpu = 0;
      let stretches = 0;
      for (let stage = 0; stage < stages; stage++) {
        const on = (mask >> stage) & 1;
        if (!on) {
          cpu += cpuMs[stage]!;
          continue;
        }
        gpu += gpuMs[stage]!;
        if (stage === 0 || !((mask >> (stage - 1)) & 1)) {
          gpu += up[stage]! + wait;
          stretches++;
        }
        if (stage === stages - 1 || !((mask >> (stage + 1)) & 1)) gpu += down[stage]!;
      }
      return stretches > 1 ? Number.POSITIVE_INFINITY : Math.max(cpu, gpu);
    };
    const paces = Array.from({ length: 1 << stages }, (_, mask) => pace(mask));
    const present = paces[0]!;
    const best = Math.min(...paces);
    expect(planStream(costs, null).ms).toBeCloseTo(best <= 0.9 * present ? best : present, 9);
  }
});
