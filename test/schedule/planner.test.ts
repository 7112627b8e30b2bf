import { expect, test } from "vitest";
import { costsOf } from "../../src/schedule/calibrate.js";
import { type Costs, plan, predict } from "../../src/schedule/planner.js";
import { generator } from "../random.js";

/** Every assignment of stages to devices, one by one: cost, and how often the activation crosses back to the CPU. */
function exhaustive(costs: Costs): { best: number; cpu: number; gpu: number; mask: number } {
  const stages = costs.cpu.length;
  let best = Number.POSITIVE_INFINITY;
  let mask = 0;
  const cost = (assignment: number) => {
    let ms = 0;
    let crossings = 0;
    for (let stage = 0; stage < stages; stage++) {
      const onGpu = (assignment >> stage) & 1;
      const before = stage > 0 ? (assignment >> (stage - 1)) & 1 : 0;
      const after = stage < stages - 1 ? (assignment >> (stage + 1)) & 1 : 0;
      ms += onGpu ? costs.gpu[stage]! : costs.cpu[stage]!;
      if (onGpu && !before) ms += costs.up[stage]! + costs.wait;
      if (onGpu && !after) {
        ms += costs.down[stage]!;
        crossings++;
      }
    }
    return crossings <= 1 ? ms : Number.POSITIVE_INFINITY;
  };
  for (let assignment = 0; assignment < 1 << stages; assignment++) {
    const ms = cost(assignment);
    if (ms < best) {
      best = ms;
      mask = assignment;
    }
  }
  return { best, cpu: cost(0), gpu: cost((1 << stages) - 1), mask };
}

function randomCosts(random: () => number): Costs {
  const stages = 1 + Math.floor(random() * 6);
  const values = (scale: number) => Array.from({ length: stages }, () => random() ** 2 * scale);
  return { cpu: values(20), gpu: values(20), up: values(4), down: values(4), wait: random() * 6 };
}

test("10,000 random cost tables: the best assignment, or the better device where a hybrid gains less than a tenth", () => {
  const random = generator(1);
  let hybrids = 0;
  for (let round = 0; round < 10_000; round++) {
    const costs = randomCosts(random);
    const reference = exhaustive(costs);
    const single = Math.min(reference.cpu, reference.gpu);
    const expected = reference.best <= 0.9 * single ? reference.best : single;
    const choice = plan(costs);
    expect(choice.ms).toBeCloseTo(expected, 9);
    expect(predict(costs, choice.range)).toBeCloseTo(choice.ms, 9);
    expect(choice.ms).toBeLessThanOrEqual(single + 1e-9);
    expect([choice.cpuMs, choice.gpuMs]).toEqual([expect.closeTo(reference.cpu, 9), expect.closeTo(reference.gpu, 9)]);
    if (choice.range && choice.range.last - choice.range.first + 1 < costs.cpu.length) hybrids++;
  }
  expect(hybrids).toBeGreaterThan(500);
});

test("waits, moves and work are told apart", () => {
  const random = generator(2);
  for (let round = 0; round < 200; round++) {
    const stages = 5;
    const bytes = Array.from({ length: stages + 1 }, () => 1000 + Math.floor(random() * 1e6));
    const perByte = random() * 1e-6;
    const wait = random() * 3;
    const work = Array.from({ length: stages }, () => random() * 9);
    const cpu = work.map(() => random() * 9);
    const sum = work.reduce((total, ms) => total + ms, 0);
    const alone = work.map((ms, index) => ms + wait + perByte * (bytes[index]! + bytes[index + 1]!));
    const echoes = work.map((_, index) => wait + 2 * perByte * bytes[index]!);
    // Alone, each stage on the CPU takes half as long again.
    const cold = cpu.map((ms) => 1.5 * ms);
    const whole = {
      cpu: cpu.reduce((total, ms) => total + ms, 0),
      gpu: wait + perByte * (bytes[0]! + bytes[stages]!) + sum,
    };
    const costs = costsOf(bytes, cold, alone, echoes, whole);
    expect(costs.wait).toBeCloseTo(wait, 6);
    for (const [index, ms] of work.entries()) expect(costs.gpu[index]).toBeCloseTo(ms, 6);
    for (const [index, ms] of cpu.entries()) expect(costs.cpu[index]).toBeCloseTo(ms, 6);
    for (const [index, ms] of costs.down.entries()) expect(ms).toBeCloseTo(perByte * bytes[index + 1]!, 6);
  }
});
