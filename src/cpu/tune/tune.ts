import { RESERVED } from "../../../assembly/shared/sizes.js";
import { opMacs } from "../../graph/macs.js";
import type { Graph } from "../../graph/network.js";
import type { Store } from "../../host/store.js";
import { contenders, shapeOf } from "../choose/choose.js";
import { compile } from "../lower/compile.js";
import type { Kernels, Variant } from "../module.js";
import type { CompileOptions, Program } from "../program/program.js";
import { type TileName, tiles, useTile } from "../program/tiles.js";
import { convolutions, keyOf, type Tuning } from "./kept-tuning.js";
import { fastestTile } from "./measure-tile.js";

/** Timed rounds of every contender, after one that is not counted; the least time counts. More where the best two are close. */
const ROUNDS = 5;
const MORE_ROUNDS = 7;
const CLOSE = 1.15;
/** Layers of fewer multiply-accumulates differ by less than a measurement errs. */
const LEAST_MACS = 10e6;
/** In a network, a layer's weights come from memory, not from a cache that the layer had to itself. */
const CACHES_BYTES = 40 << 20;
const TILE_TRIAL_AT = 1 << 16;
/** What the choices may add to the bytes that the small memory setting takes: so many, or this share of them. */
const EXTRA_BYTES = 40e6;
const EXTRA_SHARE = 0.62;
interface Trial {
  readonly shape: string;
  readonly kernel: string;
  readonly program: Program;
  ms: number;
}

/**
 * The tile and the kernels for a network, measured in the memory that it will have, before anything is in it. `tile`: the
 * caller's choice, which is not measured.
 */
export async function tune(
  network: Graph,
  options: CompileOptions,
  variant: Variant,
  kernels: Kernels,
  tile: TileName | null,
  store: Store | undefined,
): Promise<{ tuning: Tuning; measurements: number }> {
  const key = keyOf(network, options, variant, tile);
  const { byteLength } = kernels.memory.buffer;
  const trials = trialsOf(network, options).filter((rivals) => rivals.every((it) => it.program.bytes <= byteLength));
  // Bytes of a small float: zeros would come from one shared page, faster than any weights. The tile's trial takes 32 KB of them.
  const bytes = new Uint8Array(kernels.memory.buffer, 0, trials.length > 0 ? byteLength : 2 * TILE_TRIAL_AT);
  bytes.fill(0x3c, RESERVED);
  let measurements = 0;
  if (!tile) {
    tile = fastestTile(kernels, TILE_TRIAL_AT);
    measurements++;
  }
  for (const rivals of trials) {
    for (let round = 0; round <= ROUNDS || (round <= ROUNDS + MORE_ROUNDS && isClose(rivals)); round++) {
      for (const trial of rivals) {
        const ms = time(kernels, trial.program, tile);
        if (round > 0) trial.ms = Math.min(trial.ms, ms);
        measurements++;
      }
    }
  }
  bytes.fill(0, RESERVED);
  const tuning: Tuning = { tile, kernels: affordable(network, options, trials) };
  await store?.set(key, JSON.stringify(tuning)).catch(() => {});
  return { tuning, measurements };
}

function isClose(rivals: readonly Trial[]): boolean {
  const [least, next] = rivals.map(({ ms }) => ms).sort((a, b) => a - b);
  return next! < CLOSE * least!;
}

/** The winners, but for those whose weights do not fit: the least gains are given up first. */
function affordable(network: Graph, options: CompileOptions, trials: readonly Trial[][]): Tuning["kernels"] {
  const winners = trials.map((rivals) => rivals.reduce((a, b) => (b.ms < 0.97 * a.ms ? b : a)));
  const kernels = Object.fromEntries(winners.map(({ shape, kernel }) => [shape, kernel]));
  const gains = winners
    .map((winner, index) => ({ table: trials[index]![0]!, gain: trials[index]![0]!.ms - winner.ms }))
    .sort((a, b) => a.gain - b.gain);
  for (const { table } of gains) {
    if (compile(network, { ...options, kernels }).bytes <= affordableBytes(network, options)) break;
    kernels[table.shape] = table.kernel;
  }
  return kernels;
}

function affordableBytes(network: Graph, options: CompileOptions): number {
  const { bytes } = compile(network, { ...options, memory: "small" });
  return bytes + Math.max(EXTRA_BYTES, EXTRA_SHARE * bytes);
}

/** What the network takes at most, whatever wins. */
export function mostBytes(network: Graph, options: CompileOptions): number {
  const largest: Record<string, string> = {};
  for (const rivals of trialsOf(network, options)) {
    const { shape, kernel } = rivals.reduce((a, b) => (b.program.weightBytes > a.program.weightBytes ? b : a));
    largest[shape] = kernel;
  }
  const most = Math.min(compile(network, { ...options, kernels: largest }).bytes, affordableBytes(network, options));
  return Math.max(compile(network, options).bytes, most);
}

/** Each distinct shape that has more than one contender, alone. */
function trialsOf(network: Graph, options: CompileOptions): Trial[][] {
  const trials = new Map<string, Trial[]>();
  for (const op of convolutions(network)) {
    const shape = shapeOf(op, network);
    const rivals = contenders(op, network, options);
    if (trials.has(shape) || rivals.length < 2 || opMacs(op, network.values[op.output]!) < LEAST_MACS) continue;
    const one = { ...network, stages: [{ name: op.name, input: op.inputs[0], output: op.output, ops: [op] }] };
    const all = rivals.map(({ name }) => ({
      shape,
      kernel: name,
      program: compile(one, { ...options, threads: 1, kernels: { [shape]: name } }),
      ms: Number.POSITIVE_INFINITY,
    }));
    // In a stack one may stand in for another.
    if (new Set(all.map(({ program }) => program.steps[0]!.kernel)).size > 1) trials.set(shape, all);
  }
  return [...trials.values()];
}

function time(kernels: Kernels, program: Program, tile: TileName): number {
  const { memory } = kernels;
  evict(memory);
  new Int32Array(memory.buffer, program.recordsAt, program.records.length).set(program.records);
  useTile(memory, program, tiles[tile]);
  const start = performance.now();
  kernels.run(program.recordsAt, 0, program.steps.length, program.scratchAt);
  return performance.now() - start;
}

/** Reads a word of every cache line of more than caches hold. The sum keeps optimisers from leaving that out. */
function evict(memory: WebAssembly.Memory): number {
  const words = new Int32Array(memory.buffer, 0, Math.min(CACHES_BYTES, memory.buffer.byteLength) >> 2);
  let sum = 0;
  for (let at = 0; at < words.length; at += 16) sum ^= words[at]!;
  return sum;
}
