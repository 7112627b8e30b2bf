import type { CpuEngine, OpTiming } from "../cpu/engine.js";
import { createCpuEngine } from "../cpu/open.js";
import { OptionError } from "../errors.js";
import type { Network } from "../graph/network.js";
import { nodeHost } from "../host/node.js";
import { buildNetwork, modelCard, pseudoRandomNetwork } from "../model/index.js";
import type { LoadOptions } from "../options.js";
import type { Plan } from "../plan.js";
import { Scheduler } from "../schedule/scheduler.js";
import { keepsIntegers } from "../session/keeps-integers.js";
import { gpuOpener } from "../session/open-gpu.js";
import { readSource } from "../source/open.js";
import { readWeights } from "../weights/index.js";
import { loadOptions, modelOf, number, type Options } from "./options.js";
import { say, sayJson } from "./out.js";
import { showProgress } from "./progress.js";
import { table } from "./table.js";

/** Times a network whole, by stage and by kernel. `--arch` makes one with fixed pseudo-random weights. */
export async function bench(names: string[], options: Options): Promise<number> {
  if (names.length > 0) throw new OptionError(`bench takes no images (got ${names[0]}); name a --model or an --arch.`);
  const runs = options.runs === undefined ? 20 : number(options, "runs");
  const load = await loadOptions(options);
  const networks: Network[] = [];
  for (const arch of options.arch ?? []) networks.push(pseudoRandomNetwork(arch, { inputSize: load.inputSize }));
  if (networks.length === 0) {
    const { bytes, origin, files } = await readSource(nodeHost, modelOf(options), load);
    const state = await readWeights(bytes, origin, nodeHost);
    networks.push(buildNetwork(state, { ...load, card: modelCard(state, files), integers: keepsIntegers(load) }));
  }
  for (const network of networks) {
    const start = performance.now();
    const engine = await createCpuEngine(network, {
      ...load,
      wasm: nodeHost.wasm,
      threadSupport: nodeHost.threadSupport,
      onProgress: undefined,
    });
    const loadMs = performance.now() - start;
    const { channels, height, width } = network.values[network.input]!;
    const input = Float32Array.from({ length: channels * height * width }, (_, index) => Math.sin(index));
    const last = network.stages.length - 1;
    const whole: number[] = [];
    for (let run = 0; run < runs + 3; run++) {
      showProgress(`${network.architecture.name}: run ${run + 1} of ${runs + 3}`);
      const before = performance.now();
      await engine.run(0, last, input);
      if (run >= 3) whole.push(performance.now() - before);
    }
    const ops = engine.profile(input, runs);
    const roof = engine.measureRoof();
    const tiles = engine.measureTiles();
    showProgress("");
    const { stats } = engine;
    const plan =
      load.device === undefined || load.device === "cpu" ? null : await placed(network, engine, load, input, runs);
    print(network, { loadMs, whole, ops, roof, tiles, plan, ...stats }, options.json === true);
    await engine.close();
  }
  return 0;
}

/** How long the GPU may take to be opened, checked and measured. */
const PLACING_MS = 120_000;

/** A plan, and what it was measured to take: one image at a time, and each of a stream. */
interface Placed {
  readonly plan: Plan;
  readonly measuredMs: number;
  readonly streamMs: number;
}

/** The plan that sessions come to, once the GPU has been tried; with device "gpu", or why there is none. Closes the engine. */
async function placed(
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
    return { plan: scheduler.plan, measuredMs: times.toSorted((a, b) => a - b)[times.length >> 1]!, streamMs };
  } finally {
    showProgress("");
    await scheduler.close();
  }
}

interface Result {
  readonly plan: Placed | null;
  readonly loadMs: number;
  readonly whole: readonly number[];
  readonly ops: readonly OpTiming[];
  readonly roof: number;
  /** GFLOP/s of the matrix product alone, by tile. */
  readonly tiles: Readonly<Record<string, number>>;
  readonly kernels: string;
  readonly threads: number;
  readonly wasmBytes: number;
}

function print(network: Network, result: Result, json: boolean): void {
  const sorted = result.whole.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const ms = { median: at(0.5), min: sorted[0]!, p90: at(0.9) };
  const { loadMs, ops, roof, tiles, kernels, threads, wasmBytes, plan } = result;
  const stages = network.stages.map((stage) => {
    const inside = ops.filter((op) => op.stageName === stage.name);
    const sum = (field: "ms" | "macs") => inside.reduce((total, op) => total + op[field], 0);
    return { stage: stage.name, ms: sum("ms"), macs: sum("macs") };
  });
  if (json) {
    sayJson({
      architecture: network.architecture.name,
      ...{ kernels, threads, wasmBytes, loadMs, ms, roofGflops: roof, tileGflops: tiles, stages, ops },
      ...plan,
    });
    return;
  }
  const rate = (macs: number, time: number) => (macs ? ((2 * macs) / time / 1e6).toFixed(1) : "");
  const share = (macs: number, time: number) => (macs ? `${((2 * macs) / time / 1e4 / roof).toFixed(0)} %` : "");
  const lines = [
    `${network.architecture.name}: ${ms.median.toFixed(2)} ms median, ${ms.min.toFixed(2)} min, ${ms.p90.toFixed(2)} p90 of ${sorted.length}; ` +
      `${kernels}, ${threads} thread(s), load ${loadMs.toFixed(0)} ms, ${(wasmBytes / 1e6).toFixed(1)} MB`,
    `roof of registers-only multiply-adds: ${roof.toFixed(1)} GFLOP/s; GFLOP/s below count the direct algorithm`,
    `matrix product alone: ${Object.entries(tiles)
      .map(([tile, value]) => `${tile} ${value.toFixed(1)} GFLOP/s (${((100 * value) / roof).toFixed(0)} %)`)
      .join(", ")}`,
    "",
    ...table(
      ["stage", "ms", "GFLOP/s", "of roof"],
      stages.map((it) => [it.stage, it.ms.toFixed(3), rate(it.macs, it.ms), share(it.macs, it.ms)]),
    ),
    "",
    ...table(
      ["operation", "kernel", "ms", "GFLOP/s", "of roof"],
      ops.map((op) => [op.name, op.kernel, op.ms.toFixed(3), rate(op.macs, op.ms), share(op.macs, op.ms)]),
    ),
    "",
    ...(plan
      ? [
          ...String(plan.plan).split("\n"),
          `measured ${plan.measuredMs.toFixed(2)} ms one at a time, ${plan.streamMs.toFixed(2)} ms each in a stream`,
          "",
        ]
      : []),
  ];
  for (const line of lines) say(line);
}
