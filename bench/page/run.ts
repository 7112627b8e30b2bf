import { median } from "../../src/base/median.js";
import { Roof } from "../../src/bench/roof.js";
import { judge, spreadOf } from "../../src/bench/statistics.js";
import { sustain } from "../../src/bench/sustained.js";
import { type Contender, takeTurns } from "../../src/bench/turns.js";
import type { CpuEngine } from "../../src/cpu/engine.js";
import { variantOf } from "../../src/cpu/module.js";
import { createCpuEngine } from "../../src/cpu/open.js";
import { settle } from "../../src/cpu/settle.js";
import { createGpuEngine } from "../../src/gpu/index.js";
import type { Network } from "../../src/graph/network.js";
import { browserHost } from "../../src/host/browser.js";
import { describeNetwork, pseudoRandomNetwork } from "../../src/model/index.js";
import { verify } from "../../src/schedule/verify.js";
import { webWorker } from "../../src/worker/handle/web.js";
import { BUDGET_MS, Forecast, predict, predictTurn } from "./forecast.js";
import { keepThreads } from "./kept-threads.js";
import { type CpuMeasurement, measureCpu } from "./measure-cpu.js";
import { measureGpu } from "./measure-gpu.js";
import type { FromWorker } from "./messages.js";
import { networkTitle } from "./names.js";
import { PICTURES, type PictureEngine, timePictures } from "./pictures.js";
import type { Configuration, DeviceDescription, Settings, TurnsReport } from "./report.js";
import type { SamplingOptions } from "./samples.js";
import { type CpuSetup, type GpuSetup, type Step, stepsOf, titleOf, unavailableOn } from "./steps.js";

export type Tell = (message: FromWorker) => void;

/** A configuration that takes real pictures as well. */
interface PictureContender extends Contender {
  open(): Promise<PictureEngine>;
}

/** The page need not hear of every round. */
const PROGRESS_MS = 80;

/** Of pictures end to end, roughly: they are decoded in some ms each. */
const PICTURES_MS = 4000;

/** In the order of `run`: a network's configurations, their turns, its pictures; and the sustained run. */
export function forecast(steps: readonly Step[], settings: Settings, device: DeviceDescription): Forecast {
  const expected: { device: "cpu" | "gpu"; ms: number }[] = [];
  for (const name of settings.networks) {
    const size = describeNetwork(networkOf(name, settings));
    const own = steps.filter(({ network }) => network === name);
    for (const step of own) expected.push({ device: step.device, ms: predict(step, size, device, settings) });
    const turn = own.reduce((sum, step) => sum + predictTurn(step, size, device), 0);
    const control = settings.control && own[0] ? predictTurn(own[0], size, device) : 0;
    if (settings.rounds > 0) expected.push({ device: "cpu", ms: settings.rounds * (turn + control) });
    if (settings.pictures) expected.push({ device: "cpu", ms: PICTURES_MS });
  }
  if (settings.sustainedSeconds > 0) expected.push({ device: "cpu", ms: 1e3 * settings.sustainedSeconds });
  return new Forecast(expected);
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
  let sustained: { readonly network: string; readonly contender: PictureContender } | null = null;
  for (const name of settings.networks) {
    const network = networkOf(name, settings);
    const { macs, parameters } = describeNetwork(network);
    const inputSize = network.values[network.input]!.height;
    tell({ kind: "network", network: { name, architecture: network.architecture.name, inputSize, macs, parameters } });
    const bench = new NetworkBench(network, settings, device, progress);
    const measured: { readonly contender: PictureContender; readonly configuration: Configuration }[] = [];
    /** A part that may fail while the rest goes on. */
    const part = async (what: string, act: (title: string) => Promise<void>) => {
      const title = `${networkTitle(name)}: ${what}`;
      progress.begin(title);
      try {
        if (measured.length > 0) await act(title);
      } catch (error) {
        tell({ kind: "unavailable", unavailable: { what: title, why: messageOf(error) } });
      }
      progress.end();
    };
    try {
      for (const step of steps.filter((step) => step.network === name)) {
        const title = `${networkTitle(name)}: ${titleOf(step)}`;
        progress.begin(title);
        try {
          const configuration = step.device === "cpu" ? await bench.cpu(step) : await bench.gpu(step);
          measured.push({ contender: contenderOf(network, step), configuration });
          tell({ kind: "configuration", network: name, configuration });
        } catch (error) {
          tell({ kind: "unavailable", unavailable: { what: title, why: messageOf(error) } });
        }
        progress.end();
      }
    } finally {
      await bench.close();
    }
    let times: readonly (readonly number[])[] = [];
    const fastest = () => {
      const of = ({ configuration }: (typeof measured)[number], index: number) =>
        times[index]?.length ? median(times[index]!) : configuration.latency.median;
      const ms = measured.map(of);
      return measured[ms.indexOf(Math.min(...ms))]!.contender;
    };
    if (settings.rounds > 0) {
      await part("in turns", async () => {
        const contenders = measured.map(({ contender }) => contender);
        const again = settings.control ? [{ ...contenders[0]!, name: `${contenders[0]!.name}, again` }] : [];
        const all = [...contenders, ...again];
        times = await takeTurns(all, {
          rounds: settings.rounds,
          clockMs: device.clockMs,
          onTurn: (of, round, share) => progress.say(`round ${round + 1} of ${settings.rounds}, ${of}`, share),
          onRound: (ms) =>
            tell({ kind: "turns", network: name, turns: turnsOf(all, ms, settings.rounds, contenders.length) }),
        });
      });
    }
    if (settings.pictures) {
      await part("pictures end to end", async () => {
        const best = fastest();
        const opened = await best.open();
        try {
          const endToEnd = await timePictures(network, opened, (picture, share) => progress.say(picture, share));
          tell({
            kind: "end to end",
            network: name,
            endToEnd: { configuration: best.name, pictures: PICTURES, ...endToEnd },
          });
        } finally {
          await opened.close();
        }
      });
    }
    if (measured.length > 0) sustained ??= { network: name, contender: fastest() };
  }
  if (settings.sustainedSeconds > 0 && sustained) {
    const { network, contender } = sustained;
    await sustainedRun(network, contender, settings.sustainedSeconds, progress, tell);
  }
}

async function sustainedRun(
  network: string,
  contender: PictureContender,
  seconds: number,
  progress: Progress,
  tell: Tell,
) {
  progress.begin(`${networkTitle(network)}: sustained`);
  try {
    const opened = await contender.open();
    try {
      await sustain(() => opened.run(), {
        seconds,
        onPoint: (point) => {
          progress.say(contender.name, Math.min(1, point.seconds / seconds));
          tell({ kind: "sustained", network, configuration: contender.name, point });
        },
      });
    } finally {
      await opened.close();
    }
  } catch (error) {
    tell({ kind: "unavailable", unavailable: { what: "Sustained run", why: messageOf(error) } });
  }
  progress.end();
}

/** `own`: how many of the contenders are configurations; what comes after them is the first one, again. */
function turnsOf(
  contenders: readonly Contender[],
  times: readonly (readonly number[])[],
  planned: number,
  own: number,
): TurnsReport {
  const all = contenders.map(({ name }, index) => ({ name, ms: [...times[index]!] }));
  const isDone = all.every(({ ms }) => ms.length === planned);
  return {
    planned,
    configurations: all.map(({ name, ms }, index) => ({ name, ms, spread: spreadOf(ms), control: index >= own })),
    verdict: isDone && own > 1 ? judge(all.slice(0, own)) : null,
    control: isDone && all.length > own ? judge([all[0]!, all[own]!]) : null,
  };
}

function contenderOf(network: Network, step: Step): PictureContender {
  const { channels, height, width } = network.values[network.input]!;
  const picture = Float32Array.from({ length: channels * height * width }, (_, index) => Math.sin(index));
  const last = network.stages.length - 1;
  const { wasm, threadSupport } = browserHost;
  return {
    name: titleOf(step),
    async open(): Promise<PictureEngine> {
      const engine =
        step.device === "gpu"
          ? await createGpuEngine(network, { precision: step.precision })
          : await createCpuEngine(network, { wasm, threadSupport, simd: step.simd, threads: step.threads });
      return { run: (input = picture) => engine.run(0, last, input), close: () => engine.close() };
    },
  };
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
      const roof = await this.roof(setup);
      const options = { ...this.sampling(), loadMs, measureRoof: () => roof.measure(), profile: isFirst };
      const measurement = await measureCpu(engine, setup, options).finally(() => roof.close());
      if (isFirst) this.reference = { engine, measurement };
      return measurement.configuration;
    } finally {
      if (this.reference?.engine !== engine) await engine.close();
    }
  }

  /** Of the same module and as many threads as the engine has. */
  private async roof({ simd, threads }: CpuSetup): Promise<Roof> {
    const { wasm, threadSupport } = browserHost;
    const shared = threads > 1;
    const module = await wasm(variantOf(settle(this.network, { wasm, threadSupport, simd, threads }), shared));
    return Roof.open(module, { threads, shared, start: roofThread });
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

const roofThread = keepThreads(() =>
  webWorker(new Worker(new URL("./roof-thread.js", import.meta.url), { type: "module" })),
);

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
