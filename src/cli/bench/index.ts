import { Worker } from "node:worker_threads";
import { packageVersion } from "../../base/version.js";
import { executedMacs, shareOfRoof } from "../../bench/executed.js";
import { Roof } from "../../bench/roof.js";
import { FORMAT, type Summary } from "../../bench/saved.js";
import { judge, spreadOf } from "../../bench/statistics.js";
import { sustain, throttling } from "../../bench/sustained.js";
import { takeTurns } from "../../bench/turns.js";
import type { CpuEngine, OpTiming } from "../../cpu/engine.js";
import { variantOf } from "../../cpu/module.js";
import { createCpuEngine } from "../../cpu/open.js";
import type { CpuOptions } from "../../cpu/options.js";
import { settle } from "../../cpu/settle.js";
import { OptionError } from "../../errors.js";
import type { Network } from "../../graph/network.js";
import { beside } from "../../host/beside-node.js";
import { nodeHost } from "../../host/node.js";
import { buildNetwork, modelCard, preprocessFor, pseudoRandomNetwork } from "../../model/index.js";
import type { LoadOptions, Preprocess } from "../../options.js";
import { keepsIntegers } from "../../session/keeps-integers.js";
import { readSource } from "../../source/open.js";
import { readWeights } from "../../weights/index.js";
import { nodeWorker } from "../../worker/handle/node.js";
import { loadOptions, modelOf, number, type Options } from "../options.js";
import { say, sayJson } from "../out.js";
import { showProgress } from "../progress.js";
import { type Configuration, configurationsOf, contenderOf, inputOf } from "./contenders.js";
import { machine } from "./machine.js";
import { endToEnd } from "./pictures.js";
import { placed } from "./placed.js";
import { markdown, plainText } from "./report.js";
import type { Result } from "./result.js";

/** Runs that are not counted, and at least so long: optimised code comes, and small networks try their tiles. */
const WARM_RUNS = 3;
const WARM_MS = 300;
/** Of each configuration that is compared: enough to name a winner among 32. */
const ROUNDS = 20;
/** A day. */
const MOST_SECONDS = 86_400;

interface Wanted {
  readonly runs: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly configurations: readonly Configuration[];
  readonly pictures: readonly string[];
}

/** Times a network whole, by stage and by kernel. `--arch` makes one with fixed pseudo-random weights. Pictures are timed end to end. */
export async function bench(names: string[], options: Options): Promise<number> {
  if (options.json && options.markdown) throw new OptionError("--json and --markdown exclude each other.");
  const wanted = wantedOf(names, options);
  const load = await loadOptions(options);
  const networks: { readonly network: Network; readonly spec: Preprocess }[] = [];
  for (const arch of options.arch ?? []) {
    const network = pseudoRandomNetwork(arch, { inputSize: load.inputSize });
    networks.push({ network, spec: preprocessFor(network, { preprocess: {} }, load.preprocess) });
  }
  if (networks.length === 0) {
    const { bytes, origin, files } = await readSource(nodeHost, modelOf(options), load);
    const state = await readWeights(bytes, origin, nodeHost, load.inputSize);
    const card = modelCard(state, files);
    const network = buildNetwork(state, { ...load, card, integers: keepsIntegers(load) });
    networks.push({ network, spec: preprocessFor(network, card, load.preprocess) });
  }
  for (const { network, spec } of networks) {
    const result = await measure(network, spec, load, wanted);
    if (options.json) sayJson(documentOf(result));
    else for (const line of options.markdown ? markdown(result) : plainText(result)) say(line);
  }
  return 0;
}

function wantedOf(pictures: readonly string[], options: Options): Wanted {
  const configurations = configurationsOf(options.compare ?? []);
  const rounds = options.rounds === undefined ? ROUNDS : number(options, "rounds");
  if (options.rounds !== undefined && configurations.length === 0) {
    throw new OptionError("--rounds is of --compare, which is not given.");
  }
  const seconds = options.sustained === undefined ? 0 : number(options, "sustained");
  if (seconds > MOST_SECONDS)
    throw new OptionError(`--sustained is ${seconds}; at most ${MOST_SECONDS} seconds are run.`);
  return {
    runs: options.runs === undefined ? 20 : number(options, "runs"),
    ...{ rounds, seconds, configurations, pictures },
  };
}

async function measure(network: Network, spec: Preprocess, load: LoadOptions, wanted: Wanted): Promise<Result> {
  const { name } = network.architecture;
  const { runs } = wanted;
  const options: CpuOptions = {
    ...load,
    wasm: nodeHost.wasm,
    threadSupport: nodeHost.threadSupport,
    onProgress: undefined,
  };
  const date = new Date().toISOString();
  const start = performance.now();
  const engine = await createCpuEngine(network, options);
  const loadMs = performance.now() - start;
  const { kernels, threads, threadsReason, wasmBytes } = engine.stats;
  let roof: Roof | null = null;
  try {
    roof = await roofOf(network, options, threads);
    // Before and after what is held against it: the better one counts.
    await roof.measure();
    const input = inputOf(network);
    const last = network.stages.length - 1;
    const whole: number[] = [];
    const warmUntil = performance.now() + WARM_MS;
    for (let run = 0; run < WARM_RUNS || performance.now() < warmUntil; run++) await engine.run(0, last, input);
    for (let run = 0; run < runs; run++) {
      showProgress(`${name}: run ${run + 1} of ${runs}`);
      const before = performance.now();
      await engine.run(0, last, input);
      whole.push(performance.now() - before);
    }
    const profiled = engine.profile(input, runs);
    const together = await roof.measure();
    const roofOfOne = Math.max(engine.measureRoof(), together / threads);
    const roofOfAll = threads === 1 ? roofOfOne : together;
    const tiles = engine.measureTiles() as Record<string, number>;
    const seen = wanted.pictures.length > 0 ? await endToEnd(engine, wanted.pictures, { runs, spec }) : null;
    const sustained = wanted.seconds > 0 ? await sustainedRun(engine, input, wanted.seconds) : null;
    const executed = executedMacs((await engine.inside()).program);
    const plan =
      load.device === undefined || load.device === "cpu" ? null : await placed(network, engine, load, input, runs);
    await engine.close();
    const comparison = wanted.configurations.length > 0 ? await compare(network, options, wanted) : null;
    const sorted = whole.toSorted((a, b) => a - b);
    return {
      ...{ network, date, machine: machine(), kernels, threads, threadsReason, wasmBytes, loadMs, runs, tiles, plan },
      whole: { ...spreadOf(whole), min: sorted[0]!, p90: sorted[Math.ceil(0.9 * sorted.length) - 1]! },
      ...{ roof: roofOfAll, roofOfOne },
      ...timesOf(network, profiled, executed, roofOfAll),
      ...{ endToEnd: seen, sustained, comparison },
    };
  } finally {
    showProgress("");
    roof?.close();
    await engine.close();
  }
}

async function roofOf(network: Network, options: CpuOptions, threads: number): Promise<Roof> {
  const shared = threads > 1;
  const module = await options.wasm(variantOf(settle(network, options), shared));
  const start = () =>
    nodeWorker(new Worker(beside(import.meta.url, () => new URL("./roof-thread.js", import.meta.url))));
  return Roof.open(module, { threads, shared, start });
}

/** Until its time is over, or Ctrl-C: then what there is by then is told. */
async function sustainedRun(engine: CpuEngine, input: Float32Array, seconds: number): Promise<Result["sustained"]> {
  const interrupted = new AbortController();
  const onSignal = () => interrupted.abort();
  process.once("SIGINT", onSignal);
  const last = engine.network.stages.length - 1;
  try {
    const points = await sustain(() => engine.run(0, last, input), {
      seconds,
      signal: interrupted.signal,
      onPoint: (point) =>
        showProgress(
          `sustained: ${Math.round(point.seconds)} of ${seconds} s, ${point.ms.toFixed(2)} ms; Ctrl-C ends it`,
        ),
    });
    return { points, throttling: throttling(points) };
  } finally {
    process.off("SIGINT", onSignal);
    showProgress("");
  }
}

async function compare(
  network: Network,
  options: CpuOptions,
  { configurations, rounds }: Wanted,
): Promise<Result["comparison"]> {
  const contenders = configurations.map((it) => contenderOf(network, options, it));
  const times = await takeTurns(contenders, {
    rounds,
    onTurn: (name, round) => showProgress(`round ${round + 1} of ${rounds}: ${name}`),
  });
  showProgress("");
  return {
    configurations: configurations.map(({ name }, index) => ({
      name,
      ms: spreadOf(times[index]!),
      rounds: times[index]!,
    })),
    verdict: judge(configurations.map(({ name }, index) => ({ name, ms: times[index]! }))),
  };
}

function timesOf(
  { stages }: Network,
  profiled: readonly OpTiming[],
  executed: readonly (number | null)[],
  roof: number,
): Pick<Result, "stages" | "ops"> {
  const ops = profiled.map((op, index) => ({ ...op, share: shareOfRoof(executed[index]!, op.ms, roof) }));
  return {
    ops,
    stages: stages.map(({ name }) => {
      const inside = [...profiled.entries()].filter(([, { stageName }]) => stageName === name);
      const sum = (of: (op: OpTiming, index: number) => number) =>
        inside.reduce((total, [index, op]) => total + of(op, index), 0);
      const ms = sum((op) => op.ms);
      const done = inside.some(([index]) => executed[index] === null) ? null : sum((_, index) => executed[index]!);
      return { name, ms, macs: sum((op) => op.macs), share: shareOfRoof(done, ms, roof) };
    }),
  };
}

/** What `--json` prints: a line a network. */
function documentOf(result: Result) {
  const { network, whole, roof, roofOfOne, tiles, stages, ops, plan, machine: device, ...rest } = result;
  const { height, width } = network.values[network.input]!;
  const own = { name: configurationName(result), median: whole.median, low: whole.low, high: whole.high };
  const compared = result.comparison?.configurations ?? [];
  const summary: Summary = {
    device: device.processor,
    runtime: `${device.runtime}, ${device.system}`,
    date: result.date,
    version: packageVersion,
    networks: [
      {
        name: network.architecture.name,
        input: [height, width],
        configurations: [own, ...compared.map(({ name, ms: { median, low, high } }) => ({ name, median, low, high }))],
      },
    ],
  };
  return {
    format: FORMAT,
    version: packageVersion,
    summary,
    machine: device,
    architecture: network.architecture.name,
    ...rest,
    ms: whole,
    roofGflops: roof,
    roofOfOneGflops: roofOfOne,
    tileGflops: tiles,
    stages: stages.map(({ name, ...stage }) => ({ stage: name, ...stage })),
    ops,
    ...plan,
  };
}

/** "relaxed-simd 6x8, 2 threads": what tells it from others in a chart. */
function configurationName({ kernels, threads }: Result): string {
  return `${kernels.replace(/^wasm /, "")}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}
