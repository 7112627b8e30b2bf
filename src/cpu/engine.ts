import { PEAK_FLOPS } from "../../assembly/shared/sizes.js";
import { median } from "../base/median.js";
import type { EngineStats, FirstEngine } from "../engine.js";
import { ClosedError, ShapeError, WasmError, WorkerError } from "../errors.js";
import type { Graph } from "../graph/network.js";
import { withoutPadding } from "../graph/tensor.js";
import type { Kernels } from "./module.js";
import type { NearlyDone } from "./nearly-done.js";
import type { Inside } from "./observe.js";
import type { Program, Step } from "./program/program.js";
import { type TileName, tiles, useTile } from "./program/tiles.js";
import type { ThreadChoice, ThreadSupport } from "./threads/choose-threads.js";
import type { Team } from "./threads/team.js";
import { tileRates } from "./tune/measure-tile.js";
import { settledTime } from "./tune/settled-time.js";
import type { TileTrial } from "./tune/tile-trial.js";

/** One record of the program, timed on its own. */
export interface OpTiming extends Step {
  readonly stageName: string;
  /** Median. */
  readonly ms: number;
}

/** `G`: a graph, or the network that it is part of, whose weights are read from the engine's own memory where they can. */
export interface CpuEngine<G extends Graph = Graph> extends FirstEngine {
  readonly device: "cpu";
  readonly network: G;
  /** Medians of `runs` passes over the whole network, record by record. */
  profile(input: Float32Array, runs: number): OpTiming[];
  /** For `observe` (observe.ts), which is loaded where it is needed. Threads that failed are started anew. */
  inside(): Promise<Inside>;
  /** GFLOP/s of one core when multiply-adds never leave their registers: the roof of any kernel. */
  measureRoof(): number;
  /** GFLOP/s of the matrix product alone, with each tile that the module has, on what the nearest caches hold. */
  measureTiles(): Partial<Record<TileName, number>>;
}

/** What an engine is made of. */
export interface Parts<G extends Graph> {
  readonly network: G;
  readonly program: Program;
  readonly module: WebAssembly.Module;
  /** The module's, on the memory that the program lies in. */
  readonly kernels: Kernels;
  readonly relaxed: boolean;
  /** The tile of integers, where the network has them. */
  readonly integers: string | undefined;
  readonly tile: TileName;
  /** While the tile is still open. */
  readonly trial: TileTrial | null;
  readonly measurements: number;
  readonly choice: ThreadChoice;
  /** For the stats, after the choice's reason. */
  readonly notes: readonly string[];
  /** Needed for more threads than one. */
  readonly support: ThreadSupport | undefined;
  readonly nearlyDone: NearlyDone | undefined;
}

export class WasmEngine<G extends Graph> implements CpuEngine<G> {
  readonly device = "cpu";
  declare readonly network: G;
  declare private readonly program: Program;
  declare private readonly module: WebAssembly.Module;
  declare private readonly relaxed: boolean;
  declare private readonly integers: string | undefined;
  declare private readonly measurements: number;
  declare private readonly notes: readonly string[];
  declare private readonly support: ThreadSupport | undefined;
  declare private readonly nearlyDone: NearlyDone | undefined;
  declare private kernels: Kernels | null;
  declare private choice: ThreadChoice;
  declare private tile: TileName;
  declare private trial: TileTrial | null;
  private team: Team | null = null;

  constructor(parts: Parts<G>) {
    Object.assign(this, parts);
  }

  get stats(): EngineStats {
    const { relaxed, integers, notes, measurements } = this;
    return {
      wasmBytes: this.kernels ? this.program.bytes : 0,
      gpuBytes: 0,
      threads: this.choice.threads,
      threadsReason: [this.choice.reason, ...notes].join("; "),
      kernels: `wasm ${relaxed ? "relaxed-simd" : "simd128"} ${integers ? `int8 ${integers}, ` : ""}${this.tile}`,
      measurements,
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
      const { Team } = await import("./threads/team.js");
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
    if (this.trial && end - begin === program.steps.length) this.tryTile(this.trial);
    else if (this.nearlyDone && end === program.steps.length) this.nearlyDone.run(begin, this.execute);
    else this.execute(begin, end);
    const { at, length } = program.outputs[last]!;
    const { buffer } = this.open().memory;
    const { stages, values: shapes } = this.network;
    const shape = shapes[stages[last]!.output]!;
    const values =
      shape.quantization && program.integers
        ? program.integers.toFloat(buffer, at, shape)
        : new Float32Array(buffer, at, length);
    if (last < stages.length - 1) return values;
    const { height, width, channels } = shape;
    return withoutPadding(values, height * width, channels);
  }

  /** The whole program with the trial's next tile; once the fastest is known, that one stays. */
  private tryTile(trial: TileTrial): void {
    const { program } = this;
    useTile(this.open().memory, program, tiles[trial.tile]);
    const start = performance.now();
    this.execute(0, program.steps.length);
    const fastest = trial.record(performance.now() - start);
    if (!fastest) return;
    useTile(this.open().memory, program, tiles[fastest]);
    this.tile = fastest;
    this.trial = null;
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
    return (PEAK_FLOPS * rounds) / best / 1e6;
  }

  measureTiles(): Partial<Record<TileName, number>> {
    const kernels = this.open();
    const { stagingAt } = this.program;
    const rates = tileRates(kernels, stagingAt, this.relaxed && !this.integers);
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
    const { buffer } = this.open().memory;
    const { integers } = this.program;
    const shape = this.network.values[this.network.stages[stage]!.input]!;
    integers?.checkFinite(input);
    if (shape.quantization && integers) integers.fromFloat(input, buffer, at, shape);
    else new Float32Array(buffer, at, length).set(input);
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
