import { median } from "../../base/median.js";
import type { CpuEngine } from "../../cpu/engine.js";
import type { Network } from "../../graph/network.js";
import { nodeHost } from "../../host/node.js";
import type { LoadOptions } from "../../options.js";
import type { Plan } from "../../plan.js";
import { Scheduler } from "../../schedule/scheduler.js";
import { gpuOpener } from "../../session/open-gpu.js";
import { showProgress } from "../progress.js";

/** How long the GPU may take to be opened, checked and measured. */
const PLACING_MS = 120_000;

/** A plan, and what it was measured to take: one image at a time, and each of a stream. */
export interface Placed {
  readonly plan: Plan;
  readonly measuredMs: number;
  readonly streamMs: number;
}

/** The plan that sessions come to, once the GPU has been tried; with device "gpu", or why there is none. Closes the engine. */
export async function placed(
  network: Network,
  cpu: CpuEngine,
  load: LoadOptions,
  input: Float32Array,
  runs: number,
): Promise<Placed> {
  const { device = "auto", precision } = load;
  const gpu = (await nodeHost.findGpu?.()) ?? undefined;
  const openGpu = await gpuOpener(() => network, nodeHost, { ...load, gpu });
  const scheduler = new Scheduler({ cpu, device, precision, openers: { gpu: openGpu }, store: nodeHost.store });
  try {
    await scheduler.start();
    const end = performance.now() + PLACING_MS;
    do {
      showProgress(`${network.architecture.name}: trying the GPU`);
      await scheduler.run(input);
      await new Promise((resolve) => setTimeout(resolve, 20));
    } while (openGpu && scheduler.plan.summary.history.length === 0 && performance.now() < end);
    const times: number[] = [];
    for (let run = 0; run < runs; run++) {
      const before = performance.now();
      await scheduler.run(input);
      times.push(performance.now() - before);
    }
    const before = performance.now();
    await Promise.all(Array.from({ length: runs }, () => scheduler.run(input)));
    const streamMs = (performance.now() - before) / runs;
    return { plan: scheduler.plan, measuredMs: median(times), streamMs };
  } finally {
    showProgress("");
    await scheduler.close();
  }
}
