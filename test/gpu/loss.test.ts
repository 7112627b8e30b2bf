import { expect, test } from "vitest";
import type { CpuEngine } from "../../src/cpu/engine.js";
import { createGpuEngine } from "../../src/gpu/index.js";
import { hardwareTiling } from "../../src/gpu/tiles.js";
import { buildNetwork } from "../../src/model/index.js";
import { Scheduler } from "../../src/schedule/scheduler.js";
import { engineFor } from "../cpu/engine.js";
import { fixtureState, networkFixtures } from "../model/fixtures.js";
import { generator } from "../random.js";
import { openDawn } from "./dawn.js";

const { gpu, skip } = await openDawn();
if (skip) console.log(`skipped: devices lost, ${skip}`);

/** Each is a device of its own and takes two seconds, most of it compiling; all 200 with FULL=1. */
const losses = process.env.FULL ? 200 : 4;

/** Engines are closed by the scheduler; the CPU's is kept for the next round. */
const kept = (cpu: CpuEngine) =>
  new Proxy(cpu, { get: (it, key) => (key === "close" ? async () => {} : Reflect.get(it, key, it)) });

test.skipIf(!gpu)(
  `${losses} real devices lost at random moments under concurrent load: every answer right, in order`,
  async () => {
    const { name, size, input } = networkFixtures.find((it) => it.name === "folded")!;
    const network = buildNetwork(fixtureState(name), { inputSize: size });
    const cpu = await engineFor(network, { threads: 1 });
    const inputs = Array.from({ length: 5 }, (_, index) => input.map((value) => value * (1 + index / 4)));
    const expected: Float32Array[] = [];
    for (const it of inputs) expected.push((await cpu.run(0, network.stages.length - 1, it)).slice());
    const random = generator(11);
    let before = 0;
    let inFlight = 0;
    for (let loss = 0; loss < losses; loss++) {
      const device = await (await gpu!.requestAdapter())!.requestDevice();
      const scheduler = new Scheduler({
        cpu: kept(cpu),
        device: "gpu",
        openers: {
          gpu: async () => ({
            engine: await createGpuEngine(network, { device, tiling: hardwareTiling }),
            software: false,
            key: "",
          }),
        },
      });
      await scheduler.start();
      const order: number[] = [];
      let lost = false;
      const moment = Math.floor(random() * 12);
      const answers = Array.from({ length: 12 }, async (_, index) => {
        const logits = await scheduler.run(inputs[index % 5]!);
        if (!lost) before++;
        order.push(index);
        const wanted = expected[index % 5]!;
        const largest = Math.max(...wanted.map(Math.abs));
        for (const [at, logit] of logits.entries()) expect(Math.abs(logit - wanted[at]!) / largest).toBeLessThan(1e-4);
        if (order.length === moment) await lose();
      });
      const lose = async () => {
        await new Promise((resolve) => setTimeout(resolve, random() * 12));
        if (order.length < 12) inFlight++;
        device.destroy();
        lost = true;
      };
      if (moment === 0) await lose();
      await Promise.all(answers);
      device.destroy();
      expect(order).toEqual([...Array(12).keys()]);
      await scheduler.close();
    }
    console.log(
      `${losses} losses, ${inFlight} with requests under way, ${before} of ${12 * losses} answers before them`,
    );
    expect(inFlight).toBeGreaterThan(losses / 2);
    await cpu.close();
  },
  600_000,
);
