import { expect, test } from "vitest";
import type { AcceleratorName } from "../../src/engine.js";
import { costsOf } from "../../src/schedule/calibrate.js";
import { type ByDevice, type Costs, plan, predict } from "../../src/schedule/planner.js";
import { generator } from "../random.js";

/** A name that a third device would have. */
const npu = "npu" as AcceleratorName;

/** Every assignment of stages to devices, one by one: ms, and how often an activation crosses back to the CPU. */
function exhaustive({ stages, moves }: Costs): { best: number; alone: Map<string, number> } {
  const count = stages.cpu.length;
  const devices = ["cpu", ...Object.keys(moves)] as (keyof ByDevice<unknown>)[];
  const cost = (assignment: readonly (keyof ByDevice<unknown>)[]) => {
    let ms = 0;
    let crossings = 0;
    for (const [stage, device] of assignment.entries()) {
      ms += stages[device]![stage]!;
      if (device === "cpu") continue;
      const { up, down, wait } = moves[device]!;
      if (assignment[stage - 1] !== device) ms += up[stage]! + wait;
      if (assignment[stage + 1] !== device) {
        ms += down[stage]!;
        crossings++;
      }
    }
    return crossings <= 1 ? ms : Number.POSITIVE_INFINITY;
  };
  let best = Number.POSITIVE_INFINITY;
  for (let number = 0; number < devices.length ** count; number++) {
    const assignment = Array.from(
      { length: count },
      (_, stage) => devices[Math.floor(number / devices.length ** stage) % devices.length]!,
    );
    best = Math.min(best, cost(assignment));
  }
  return { best, alone: new Map(devices.map((device) => [device, cost(Array(count).fill(device))])) };
}

function randomCosts(random: () => number, accelerators: readonly AcceleratorName[], most: number): Costs {
  const count = 1 + Math.floor(random() * most);
  const values = (scale: number) => Array.from({ length: count }, () => random() ** 2 * scale);
  const by = <T>(make: () => T) => Object.fromEntries(accelerators.map((name) => [name, make()]));
  return {
    stages: { cpu: values(20), ...by(() => values(20)) },
    moves: by(() => ({ up: values(4), down: values(4), wait: random() * 6 })),
  };
}

test.each([
  ["a GPU", 10_000, 6, ["gpu"]],
  ["a GPU and a third device", 2000, 5, ["gpu", npu]],
] as [string, number, number, AcceleratorName[]][])(
  "random cost tables of the CPU and %s: the best assignment, or the best device where a hybrid gains less than a tenth",
  (_, rounds, most, accelerators) => {
    const random = generator(1);
    const hybrids = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      const costs = randomCosts(random, accelerators, most);
      const { best, alone } = exhaustive(costs);
      const single = Math.min(...alone.values());
      const choice = plan(costs);
      expect(choice.ms).toBeCloseTo(best <= 0.9 * single ? best : single, 9);
      expect(predict(costs, choice.stretch)).toBeCloseTo(choice.ms, 9);
      expect(choice.ms).toBeLessThanOrEqual(single + 1e-9);
      expect(Object.keys(choice.alone)).toEqual([...alone.keys()]);
      for (const [device, ms] of Object.entries(choice.alone)) expect(ms).toBeCloseTo(alone.get(device)!, 9);
      const { stretch } = choice;
      if (stretch && stretch.last - stretch.first + 1 < costs.stages.cpu.length) {
        hybrids.set(stretch.device, (hybrids.get(stretch.device) ?? 0) + 1);
      }
    }
    for (const device of accelerators) expect(hybrids.get(device)).toBeGreaterThan(rounds / 20 / accelerators.length);
  },
);

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
      other: wait + perByte * (bytes[0]! + bytes[stages]!) + sum,
    };
    const { stages: found, moves } = costsOf("gpu", bytes, { cpu: cold, other: alone, echoes, whole });
    expect(moves.gpu!.wait).toBeCloseTo(wait, 6);
    for (const [index, ms] of work.entries()) expect(found.gpu![index]).toBeCloseTo(ms, 6);
    for (const [index, ms] of cpu.entries()) expect(found.cpu[index]).toBeCloseTo(ms, 6);
    for (const [index, ms] of moves.gpu!.down.entries()) expect(ms).toBeCloseTo(perByte * bytes[index + 1]!, 6);
  }
});
