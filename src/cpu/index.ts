import type { Engine, EngineStats } from "../engine.js";
import { ClosedError, ShapeError, throwIfAborted, WasmError, WorkerError } from "../errors.js";
import { networkMacs } from "../graph/macs.js";
import type { Network } from "../graph/network.js";
import { withoutPadding } from "../graph/tensor.js";
import { chooseThreads, type ThreadChoice, type ThreadSupport } from "./choose-threads.js";
import { compile } from "./compile.js";
import { isSmall, keptTuning, type Tuning } from "./kept-tuning.js";
import { createMemory, hasRelaxedSimd, instantiate, type Kernels, refuseTooLarge, type Variant } from "./kernels.js";
import { NearlyDone } from "./nearly-done.js";
import type { Inside } from "./observe.js";
import type { CpuOptions } from "./options.js";
import { packAll } from "./pack-all.js";
import type { CompileOptions, Program, Step } from "./program.js";
import { settledTime } from "./settled-time.js";
import type { Team } from "./threads.js";
import { type TileName, tileRates, tiles, useTile } from "./tile.js";
import { TileTrial } from "./tile-trial.js";
import { fromPacked, unpackable } from "./unpack.js";

export type { ThreadSupport } from "./choose-threads.js";
export { hasRelaxedSimd, type Variant } from "./kernels.js";
export type { CpuOptions } from "./options.js";
export type { TileName } from "./tile.js";

/** Needed once a network and machine. */
const loadTuner = () => import("./tune.js");

/** One record of the program, timed on its own. */
export interface OpTiming extends Step {
  readonly stageName: string;
  /** Median. */
  readonly ms: number;
}

export interface CpuEngine extends Engine {
  readonly device: "cpu";
  /** Medians of `runs` passes over the whole network, record by record. */
  profile(input: Float32Array, runs: number): OpTiming[];
  /** For `observe` (observe.ts), which is loaded where it is needed. Threads that failed are started anew. */
  inside(): Promise<Inside>;
  /** GFLOP/s of one core when multiply-adds never leave their registers: the roof of any kernel. */
  measureRoof(): number;
  /** GFLOP/s of the matrix product alone, with each tile that the module has, on what the nearest caches hold. */
  measureTiles(): Partial<Record<TileName, number>>;
}

/** Bytes that `createCpuEngine` will take for a network, without taking them. */
export function planMemory(
  network: Network,
  options: Pick<CpuOptions, "memory" | "convolution"> & { threads?: number } = {},
): { weights: number; activations: number; total: number } {
  const program = compile(network, compileOptions(options, options.threads ?? 1));
  return { weights: program.weightBytes, activations: program.activationBytes, total: program.bytes };
}

function compileOptions(options: Pick<CpuOptions, "memory" | "convolution">, threads: number): CompileOptions {
  return { memory: options.memory ?? "fast", convolution: options.convolution ?? "auto", threads };
}

/** The module that an engine will ask for, where that does not depend on the network; or null. */
export function likelyVariant({
  simd,
  threads,
  threadSupport,
}: Pick<CpuOptions, "simd" | "threads" | "threadSupport">): Variant | null {
  const alone = threads === 1 || (threadSupport?.obstacle ?? "none") !== null;
  if (!alone || (simd === "relaxed" && !hasRelaxedSimd())) return null;
  return simd !== "baseline" && hasRelaxedSimd() ? "relaxed" : "baseline";
}

/** Compiles a network, packs its weights into a wasm memory of its own, and starts its threads. */
export async function createCpuEngine(network: Network, options: CpuOptions): Promise<CpuEngine> {
  const relaxed = options.simd === "relaxed" || (options.simd !== "baseline" && hasRelaxedSimd());
  if (relaxed && !hasRelaxedSimd()) {
    throw new WasmError(`This engine has no relaxed SIMD. Use simd: "auto" or "baseline".`);
  }
  const variantOf = ({ threads }: ThreadChoice): Variant =>
    `${relaxed ? "relaxed" : "baseline"}${threads > 1 ? "-threads" : ""}`;
  const named = options.tile === "auto" ? undefined : options.tile;
  const asked = relaxed ? (named ?? null) : "4x8";
  const keptFor = (choice: ThreadChoice, setting: "fast" | "small") => {
    const compiling = compileOptions({ ...options, memory: setting }, choice.threads);
    return keptTuning(network, compiling, variantOf(choice), asked, options.store);
  };
  const wanted = chooseThreads(options.threads ?? "auto", options.threadSupport, networkMacs(network));
  const fetched = options.wasm(variantOf(wanted));
  // Whoever waits for it, below, hears of a failure.
  fetched.catch(() => {});
  const early = await keptFor(wanted, options.memory ?? "fast");
  throwIfAborted(options.signal);
  const { memory, choice, notes, setting, planned } = await reserve(network, options, wanted, early);
  const shared = choice.threads > 1;
  const variant = variantOf(choice);
  const module = await (variant === variantOf(wanted) ? fetched : options.wasm(variant));
  throwIfAborted(options.signal);
  const kernels = await instantiate(module, memory).catch((error) => {
    if (!shared) throw error;
    return null;
  });
  if (!kernels) {
    const obstacle = "the given module of kernels takes no shared memory";
    return createCpuEngine(network, { ...options, threadSupport: { ...options.threadSupport!, obstacle } });
  }
  const compiling = compileOptions({ ...options, memory: setting }, choice.threads);
  const isWanted = choice === wanted && setting === (options.memory ?? "fast");
  const kept = isWanted ? early : await keptFor(choice, setting);
  const { tuning, measurements } = kept
    ? { tuning: kept, measurements: 0 }
    : await (await loadTuner()).tune(network, compiling, variant, kernels, asked, options.store);
  throwIfAborted(options.signal);
  const { tile } = tuning;
  const program = planned ?? programIn(network, { ...compiling, ...tuning }, memory);
  new Int32Array(memory.buffer, program.recordsAt, program.records.length).set(program.records);
  useTile(memory, program, tiles[tile]);
  const trial = relaxed && !named && isSmall(network) ? new TileTrial(sameSums(program)) : null;
  const report: Report = { module: relaxed ? "wasm relaxed-simd" : "wasm simd128", tile, trial, measurements };
  const jobs = unpackable(network, program);
  if (options.readAgain) for (const { weight } of program.jobs) if (!jobs.has(weight)) weight.keep?.();
  const packed = fromPacked(network, jobs, memory);
  const { threadSupport, onNearlyDone } = options;
  const crowded = choice.threads > 1 && choice.threads >= threadSupport!.cores;
  const nearlyDone = onNearlyDone && new NearlyDone(program.steps, crowded, onNearlyDone);
  const engine = new WasmEngine(packed, program, module, kernels, report, choice, notes, threadSupport, nearlyDone);
  try {
    // Threads come up while weights are packed.
    await Promise.all([engine.assemble(), packAll(program, kernels, network.arriving, options)]);
    // Packing leaves values in the arena; padding lanes are read before a program has written all of them.
    new Uint8Array(memory.buffer, program.stagingAt, program.stagingBytes).fill(0);
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/**
 * Tiles with which a program's sums have the same order, the likeliest first: two panels at a time share the place of their lean
 * filters.
 */
function sameSums(program: Program): TileName[] {
  const lean = program.steps.some(({ kernel }) => kernel.endsWith("_lean"));
  return lean ? ["6x8", "4x8"] : ["6x8", "4x8", "6x16"];
}

/** The program with the kernels that were chosen, in a memory that grows where these need more than the table's. */
function programIn(network: Network, options: CompileOptions, memory: WebAssembly.Memory): Program {
  const program = compile(network, options);
  const missing = program.bytes - memory.buffer.byteLength;
  if (missing <= 0) return program;
  try {
    memory.grow(Math.ceil(missing / 65536));
    return program;
  } catch {
    return compile(network, { ...options, kernels: undefined });
  }
}

interface Reservation {
  readonly memory: WebAssembly.Memory;
  readonly setting: "fast" | "small";
  readonly choice: ThreadChoice;
  /** What had to be given up for it. */
  readonly notes: readonly string[];
  /** The program that the memory is for, where its kernels were known. */
  readonly planned: Program | null;
}

/** The memory that was asked for, or else a smaller one, or else one that is not shared. `kept`: kernels for what was asked for. */
async function reserve(
  network: Network,
  options: CpuOptions,
  wanted: ThreadChoice,
  kept: Tuning | null,
): Promise<Reservation> {
  const alone: ThreadChoice = { threads: 1, reason: "shared memory could not be had" };
  const attempts: [ThreadChoice, "fast" | "small", Tuning | null][] = [[wanted, options.memory ?? "fast", kept]];
  if (kept) attempts.push([wanted, options.memory ?? "fast", null]);
  if (options.memory !== "small") attempts.push([wanted, "small", null]);
  if (wanted.threads > 1) attempts.push([alone, "small", null]);
  const notes = options.note ? [options.note] : [];
  let refusal: unknown;
  for (const [choice, setting, tuning] of attempts) {
    const compiling = compileOptions({ ...options, memory: setting }, choice.threads);
    const program = compile(network, { ...compiling, ...tuning });
    try {
      refuseTooLarge(program.bytes);
      // What may win is compiled only where that is open: code that has never run before is slow, and a load waits for it.
      const most = tuning ? program.bytes : (await loadTuner()).mostBytes(network, compiling);
      const memory = createMemory(program.bytes, most, choice.threads > 1);
      return { memory, setting, choice, notes, planned: tuning && program };
    } catch (error) {
      refusal = error;
      notes.push(
        `${Math.ceil(program.bytes / 1e6)} MB of ${choice.threads > 1 ? "shared " : ""}memory could not be had`,
      );
    }
  }
  throw refusal;
}

interface Report {
  readonly module: string;
  readonly measurements: number;
  tile: TileName;
  /** While the tile is still open. */
  trial: TileTrial | null;
}

class WasmEngine implements CpuEngine {
  readonly device = "cpu";
  private kernels: Kernels | null;
  private team: Team | null = null;

  constructor(
    readonly network: Network,
    private readonly program: Program,
    private readonly module: WebAssembly.Module,
    kernels: Kernels,
    private readonly report: Report,
    private choice: ThreadChoice,
    private readonly notes: readonly string[],
    private readonly support: ThreadSupport | undefined,
    private readonly nearlyDone: NearlyDone | undefined,
  ) {
    this.kernels = kernels;
  }

  get stats(): EngineStats {
    return {
      wasmBytes: this.kernels ? this.program.bytes : 0,
      gpuBytes: 0,
      threads: this.choice.threads,
      threadsReason: [this.choice.reason, ...this.notes].join("; "),
      kernels: `${this.report.module} ${this.report.tile}`,
      measurements: this.report.measurements,
    };
  }

  /** Starts the threads anew where one has failed; where they do not start it goes on alone. */
  async assemble(): Promise<void> {
    if (this.choice.threads === 1 || (this.team && !this.team.failed)) return;
    const kernels = this.open();
    await this.team?.disband();
    this.team = null;
    try {
      // Most pages have one thread, or a network that is too small for two.
      const { Team } = await import("./threads.js");
      this.team = await Team.start(this.module, kernels, this.program, this.choice.threads, this.support!.start);
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error;
      this.choice = { threads: 1, reason: error.message };
    }
  }

  async run(first: number, last: number, input: Float32Array): Promise<Float32Array> {
    const { program } = this;
    if (this.team?.failed) await this.assemble();
    this.team?.rouse();
    this.write(first, input);
    const { begin } = program.stages[first]!;
    const { end } = program.stages[last]!;
    if (this.report.trial && end - begin === program.steps.length) this.tryTile(this.report.trial);
    else if (this.nearlyDone && end === program.steps.length) this.nearlyDone.run(begin, this.execute);
    else this.execute(begin, end);
    const { at, length } = program.outputs[last]!;
    const values = new Float32Array(this.open().memory.buffer, at, length);
    const { stages, values: shapes } = this.network;
    if (last < stages.length - 1) return values;
    const { height, width, channels } = shapes[stages[last]!.output]!;
    return withoutPadding(values, height * width, channels);
  }

  /** The whole program with the trial's next tile; once the fastest is known, that one stays. */
  private tryTile(trial: TileTrial): void {
    const { program, report } = this;
    useTile(this.open().memory, program, tiles[trial.tile]);
    const start = performance.now();
    this.execute(0, program.steps.length);
    const fastest = trial.record(performance.now() - start);
    if (!fastest) return;
    useTile(this.open().memory, program, tiles[fastest]);
    Object.assign(report, { tile: fastest, trial: null });
  }

  profile(input: Float32Array, runs: number): OpTiming[] {
    const { program } = this;
    const times = program.steps.map(() => [] as number[]);
    for (let run = 0; run < runs; run++) {
      this.write(0, input);
      for (let index = 0; index < program.steps.length; index++) {
        const start = performance.now();
        this.execute(index, index + 1);
        times[index]!.push(performance.now() - start);
      }
    }
    return program.steps.map((step, index) => ({
      ...step,
      stageName: this.network.stages[step.stage]!.name,
      ms: median(times[index]!),
    }));
  }

  async inside(): Promise<Inside> {
    if (this.team?.failed) await this.assemble();
    const { network, program, execute } = this;
    return { network, program, memory: this.open().memory, write: (...input) => this.write(...input), execute };
  }

  measureRoof(): number {
    const kernels = this.open();
    const rounds = 100_000;
    const best = settledTime([() => kernels.peak(rounds)])[0]!;
    return (80 * rounds) / best / 1e6;
  }

  measureTiles(): Partial<Record<TileName, number>> {
    const kernels = this.open();
    const { stagingAt } = this.program;
    const rates = tileRates(kernels, stagingAt, this.report.module.includes("relaxed"));
    new Uint8Array(kernels.memory.buffer, stagingAt).fill(0);
    return rates;
  }

  async close(): Promise<void> {
    this.kernels = null;
    await this.team?.disband(this.support?.endsNext);
    this.team = null;
  }

  private open(): Kernels {
    if (!this.kernels) throw new ClosedError("This model was closed; load it again.");
    return this.kernels;
  }

  private write(stage: number, input: Float32Array): void {
    const { at, length } = this.program.inputs[stage]!;
    if (input.length !== length) {
      throw new ShapeError(`Stage ${stage} takes ${length} values; got ${input.length}.`);
    }
    new Float32Array(this.open().memory.buffer, at, length).set(input);
  }

  private readonly execute = (begin: number, end: number): void => {
    const { recordsAt, scratchAt } = this.program;
    const kernels = this.open();
    if (this.team) {
      this.team.run(begin, end);
      return;
    }
    try {
      kernels.run(recordsAt, begin, end, scratchAt);
    } catch (cause) {
      throw new WasmError(`The kernels stopped (${(cause as Error).message}); the next request starts anew.`, {
        cause,
      });
    }
  };
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
