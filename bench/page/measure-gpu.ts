import type { GpuEngine } from "../../src/gpu/index.js";
import { networkMacs } from "../../src/graph/macs.js";
import { describeStages } from "../../src/model/index.js";
import { costsOf } from "../../src/schedule/calibrate.js";
import { plan } from "../../src/schedule/planner.js";
import type { CpuMeasurement } from "./measure-cpu.js";
import type { GpuConfiguration } from "./report.js";
import { latencyOf, type SamplingOptions, sample, timed, warm } from "./samples.js";
import type { GpuSetup } from "./steps.js";

/**
 * Times a network whole, and its stages as the scheduler does: a stage alone costs its work, its moves and a wait, and the
 * moves are measured without work and taken off.
 */
export async function measureGpu(
  engine: GpuEngine,
  { precision }: GpuSetup,
  { configuration: cpu, activations }: CpuMeasurement,
  { loadMs, ...sampling }: SamplingOptions & { loadMs: number },
): Promise<GpuConfiguration> {
  const { network, stats } = engine;
  const [sizes, macs] = [describeStages(network), networkMacs(network)];
  const last = network.stages.length - 1;
  const whole = () => engine.run(0, last, activations[0]!);
  const firstMs = await timed(whole);
  await warm(whole);
  const alone = network.stages.map((_, stage) => () => engine.run(stage, stage, activations[stage]!));
  const echoes = network.stages.map((_, stage) => () => engine.echo(stage, activations[stage]!));
  const [wholeSamples, ...others] = await sample([whole, ...alone, ...echoes], sampling);
  const latency = latencyOf(wholeSamples!);
  const medians = others.map((samples) => latencyOf(samples).median);
  const costs = costsOf(
    "gpu",
    activations.map(({ byteLength }) => byteLength),
    {
      cpu: cpu.stages.map(({ ms }) => ms),
      other: medians.slice(0, alone.length),
      echoes: medians.slice(alone.length),
      whole: { cpu: cpu.latency.median, other: latency.median },
    },
  );
  const { stretch, ms } = plan(costs);
  const { up, down, wait } = costs.moves.gpu!;
  const names = sizes.map(({ name }) => name);
  return {
    device: "gpu",
    precision,
    software: engine.software,
    kernels: stats.kernels,
    loadMs,
    firstMs,
    memoryBytes: stats.gpuBytes,
    dispatches: engine.dispatches(0, last),
    latency,
    imagesPerSecond: 1e3 / latency.median,
    gflops: (2 * macs) / latency.median / 1e6,
    stages: sizes.map(({ name, macs }, stage) => {
      const ms = costs.stages.gpu![stage]!;
      return { stage: name, ms, macs, gflops: ms > 0 ? (2 * macs) / ms / 1e6 : 0 };
    }),
    waitMs: wait,
    moveMs: up[0]! + down[last]!,
    schedule: { gpuStages: stretch ? names.slice(stretch.first, stretch.last + 1) : [], predictedMs: ms },
  };
}
