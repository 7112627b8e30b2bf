import { executedMacs, shareOfRoof } from "../../src/bench/executed.js";
import type { CpuEngine } from "../../src/cpu/engine.js";
import { networkMacs } from "../../src/graph/macs.js";
import { describeStages } from "../../src/model/index.js";
import { BUDGET_MS } from "./forecast.js";
import type { CpuConfiguration } from "./report.js";
import { latencyOf, type SamplingOptions, sample, timed, warm } from "./samples.js";
import type { CpuSetup } from "./steps.js";

export interface CpuMeasurement {
  readonly configuration: CpuConfiguration;
  /** What goes into each stage, and what comes out of the last one. */
  readonly activations: readonly Float32Array[];
}

/** Times a network whole and stage by stage; operation by operation where `profile` asks for it. */
export async function measureCpu(
  engine: CpuEngine,
  { simd }: CpuSetup,
  {
    loadMs,
    measureRoof,
    profile,
    ...sampling
  }: SamplingOptions & { loadMs: number; measureRoof: () => Promise<number>; profile: boolean },
): Promise<CpuMeasurement> {
  const { network, stats } = engine;
  const [costs, macs] = [describeStages(network), networkMacs(network)];
  const last = network.stages.length - 1;
  const { channels, height, width } = network.values[network.input]!;
  const input = Float32Array.from({ length: channels * height * width }, (_, index) => Math.sin(index));
  const whole = () => engine.run(0, last, input);
  // Before and after what is held against it: the better one counts.
  await measureRoof();
  const firstMs = await timed(whole);
  await warm(whole);
  const activations: Float32Array[] = [input];
  for (const stage of network.stages.keys()) {
    activations.push((await engine.run(stage, stage, activations[stage]!)).slice());
  }
  const alone = network.stages.map((_, stage) => () => engine.run(stage, stage, activations[stage]!));
  const [wholeSamples, ...stageSamples] = await sample([whole, ...alone], sampling);
  const latency = latencyOf(wholeSamples!);
  const gflops = (2 * macs) / latency.median / 1e6;
  const stages = costs.map(({ name, macs }, stage) => {
    const ms = latencyOf(stageSamples[stage]!).median;
    return { stage: name, ms, macs, gflops: (2 * macs) / ms / 1e6 };
  });
  const runs = Math.max(1, Math.min(sampling.rounds, Math.floor(BUDGET_MS / 4 / latency.median)));
  const executed = executedMacs((await engine.inside()).program);
  const timings = profile ? engine.profile(input, runs) : [];
  const roofGflops = await measureRoof();
  const done = executed.some((it) => it === null) ? null : executed.reduce((sum: number, it) => sum + it!, 0);
  const configuration: CpuConfiguration = {
    device: "cpu",
    simd,
    threads: stats.threads,
    threadsReason: stats.threadsReason,
    kernels: stats.kernels,
    loadMs,
    firstMs,
    memoryBytes: stats.wasmBytes,
    latency,
    imagesPerSecond: 1e3 / latency.median,
    gflops,
    roofGflops,
    shareOfRoof: shareOfRoof(done, latency.median, roofGflops),
    stages,
    operations: timings.map(({ name, stageName, kernel, ms, macs }, index) => ({
      ...{ operation: name, stage: stageName, kernel, ms, macs },
      share: shareOfRoof(executed[index]!, ms, roofGflops),
    })),
  };
  return { configuration, activations };
}
