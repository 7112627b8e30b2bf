import { expect, test } from "vitest";
import { CpuFirst } from "../../src/schedule/cpu-first.js";
import type { Opened } from "../../src/schedule/opened.js";
import { Scheduler } from "../../src/schedule/scheduler.js";
import { answer, Clock, FakeEngine, settle } from "./fakes.js";

const input = (seed = 1) => Float32Array.from({ length: 8 }, (_, at) => Math.sin(seed * (at + 1)));

/** `open`: waits before the GPU is there, or rejects. */
function scene({ device = "auto" as const, open = async () => {}, present = true } = {}) {
  const clock = new Clock();
  const cpu = new FakeEngine("cpu", clock, [4, 4, 4, 4, 4, 4]);
  const gpus: FakeEngine<"gpu">[] = [];
  let loads = 0;
  const openGpu = async (): Promise<Opened> => {
    await open();
    const engine = new FakeEngine("gpu", clock, Array(6).fill(1), 1);
    gpus.push(engine);
    return { engine, software: false, key: "adapter" };
  };
  const first = new CpuFirst({
    ...{ cpu, device, now: clock.now, sleep: clock.sleep },
    openers: { gpu: present ? openGpu : undefined },
    loadScheduler: async () => {
      loads++;
      return Scheduler;
    },
  });
  return { first, cpu, gpus, loads: () => loads, device: () => first.plan.stages[0]!.device };
}

test("without a GPU the code that shares images is never loaded, and the plan says why", async () => {
  const { first, cpu, loads } = scene({ present: false });
  expect(await first.run(input())).toEqual(answer(input()));
  await settle();
  expect(loads()).toBe(0);
  expect(first.plan.stages.map(({ device, reason }) => `${device}: ${reason}`)).toEqual(
    Array(6).fill("cpu: this host has no WebGPU"),
  );
  await expect(
    new CpuFirst({ cpu, device: "gpu", openers: {}, loadScheduler: async () => Scheduler }).start(),
  ).rejects.toMatchObject({ name: "DeviceUnavailableError", message: /no WebGPU/ });
  await first.close();
  expect(cpu.closed).toBe(true);
});

test("a GPU that cannot be opened is named, and nothing else changes", async () => {
  const open = async () => {
    throw new Error("the adapter is a software one");
  };
  const { first, loads } = scene({ open });
  await first.run(input());
  await settle();
  expect(loads()).toBe(0);
  expect(first.plan.stages[0]!.reason).toBe("the adapter is a software one");
  expect(first.plan.summary.history).toEqual(["the adapter is a software one"]);
  expect(await first.run(input(2))).toEqual(answer(input(2)));
});

test("the scheduler takes over between two inferences: every request is answered, in order, and the CPU never runs two", async () => {
  const { first, gpus, device } = scene();
  expect(device()).toBe("cpu");
  const order: number[] = [];
  const ask = async (seed: number) => {
    expect(await first.run(input(seed))).toEqual(answer(input(seed)));
    order.push(seed);
  };
  await ask(0);
  expect(gpus).toHaveLength(0);
  const asked = [];
  for (let seed = 1; seed <= 60; seed++) {
    asked.push(ask(seed));
    if (seed % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await Promise.all(asked);
  expect(order).toEqual([...order].sort((a, b) => a - b));
  await settle();
  expect(gpus).toHaveLength(1);
  expect(device()).toBe("gpu");
  await first.close();
  expect(gpus[0]!.closed).toBe(true);
});

test("closed while the GPU is being opened: it is closed too", async () => {
  let there = () => {};
  const opening = new Promise<void>((resolve) => {
    there = resolve;
  });
  const { first, cpu, gpus } = scene({ open: () => opening });
  await first.run(input());
  await settle();
  await first.close();
  there();
  await settle();
  expect(gpus.map(({ closed }) => closed)).toEqual([true]);
  expect(cpu.closed).toBe(true);
});
