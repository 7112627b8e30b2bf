import type { CpuEngine } from "../../src/cpu/engine.js";
import { createCpuEngine } from "../../src/cpu/open.js";
import { createGpuEngine } from "../../src/gpu/index.js";
import type { Network } from "../../src/graph/network.js";
import { browserHost } from "../../src/host/browser.js";
import { describeNetwork, pseudoRandomNetwork } from "../../src/model/index.js";
import { verify } from "../../src/schedule/verify.js";
import { BUDGET_MS, Forecast, predict } from "./forecast.js";
import { type CpuMeasurement, measureCpu } from "./measure-cpu.js";
import { measureGpu } from "./measure-gpu.js";
import type { FromWorker } from "./messages.js";
import { networkTitle } from "./names.js";
import type { DeviceDescription, Settings } from "./report.js";
import type { SamplingOptions } from "./samples.js";
import { type CpuSetup, type GpuSetup, type Step, stepsOf, titleOf, unavailableOn } from "./steps.js";

export type Tell = (message: FromWorker) => void;

/** The page need not hear of every round. */
const PROGRESS_MS = 80;

export function forecast(steps: readonly Step[], settings: Settings, device: DeviceDescription): Forecast {
  return new Forecast(
    steps.map((step) => ({
      device: step.device,
      ms: predict(step, describeNetwork(networkOf(step.network, settings)), device, settings),
    })),
  );
}

function networkOf(name: string, { inputSize }: Settings): Network {
  const { architecture } = pseudoRandomNetwork(name);
  return pseudoRandomNetwork(name, architecture.stem === "3x3" ? {} : { inputSize });
}

/** Measures everything that was asked for and can be had, and tells each result as soon as it is there. */
export async function run(settings: Settings, device: DeviceDescription, tell: Tell): Promise<void> {
  const steps = stepsOf(settings, device);
  const progress = new Progress(forecast(steps, settings, device), tell);
  for (const unavailable of unavailableOn(device, settings)) tell({ kind: "unavailable", unavailable });
  for (const name of settings.networks) {
    const network = networkOf(name, settings);
    const { macs, parameters } = describeNetwork(network);
    const inputSize = network.values[network.input]!.height;
    tell({ kind: "network", network: { name, inputSize, macs, parameters } });
    const bench = new NetworkBench(network, settings, device, progress);
    try {
      for (const step of steps.filter((step) => step.network === name)) {
        const title = `${networkTitle(name)}: ${titleOf(step)}`;
        progress.begin(title);
        try {
          const configuration = step.device === "cpu" ? await bench.cpu(step) : await bench.gpu(step);
          tell({ kind: "configuration", network: name, configuration });
        } catch (error) {
          tell({ kind: "unavailable", unavailable: { what: title, why: messageOf(error) } });
        }
        progress.end();
      }
    } finally {
      await bench.close();
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One network on whatever runs it. The first engine stays, for the GPU to be compared with, until another CPU's turn. */
class NetworkBench {
  private reference: { engine: CpuEngine; measurement: CpuMeasurement } | null = null;

  constructor(
    private readonly network: Network,
    private readonly settings: Settings,
    private readonly device: DeviceDescription,
    private readonly progress: Progress,
  ) {}

  async cpu(setup: CpuSetup) {
    const isFirst = !this.reference;
    await this.reference?.engine.close();
    const { simd, threads } = setup;
    this.progress.say("loading");
    const start = performance.now();
    const { wasm, threadSupport } = browserHost;
    const engine = await createCpuEngine(this.network, { wasm, threadSupport, simd, threads });
    const loadMs = performance.now() - start;
    try {
      if (engine.stats.threads !== threads) throw new Error(engine.stats.threadsReason);
      const roofGflops = engine.measureRoof();
      const options = { ...this.sampling(), loadMs, roofGflops, profile: isFirst };
      const measurement = await measureCpu(engine, setup, options);
      if (isFirst) this.reference = { engine, measurement };
      return measurement.configuration;
    } finally {
      if (this.reference?.engine !== engine) await engine.close();
    }
  }

  async gpu(setup: GpuSetup) {
    const { reference } = this;
    if (!reference) throw new Error("there is no CPU's answer to check it against");
    this.progress.say("compiling");
    const start = performance.now();
    const engine = await createGpuEngine(this.network, { precision: setup.precision });
    const loadMs = performance.now() - start;
    try {
      this.progress.say("checking against the CPU");
      const fault = await verify(reference.engine, engine, setup.precision, (task) => task());
      if (fault) throw new Error(`wrong results, so no times: ${fault}`);
      return await measureGpu(engine, setup, reference.measurement, { ...this.sampling(), loadMs });
    } finally {
      await engine.close();
    }
  }

  private sampling(): SamplingOptions {
    const { runs } = this.settings;
    return {
      rounds: runs,
      budgetMs: BUDGET_MS,
      clockMs: this.device.clockMs,
      onRound: (round, share) => this.progress.say(`run ${round + 1} of ${runs}`, share),
    };
  }

  async close(): Promise<void> {
    await this.reference?.engine.close();
  }
}

class Progress {
  private step = "";
  private toldAt = 0;

  constructor(
    private readonly forecast: Forecast,
    private readonly tell: Tell,
  ) {}

  begin(step: string): void {
    this.step = step;
    this.toldAt = 0;
  }

  say(detail: string, share = 0): void {
    const now = performance.now();
    if (share > 0 && now - this.toldAt < PROGRESS_MS) return;
    this.toldAt = now;
    this.tell({ kind: "progress", step: this.step, detail, ...this.forecast.at(share) });
  }

  end(): void {
    this.forecast.finish();
  }
}
