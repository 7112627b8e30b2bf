import { Field, Kernel } from "../../assembly/shared/record.js";
import { throwIfAborted, WasmError } from "../errors.js";
import { networkMacs } from "../graph/macs.js";
import type { Graph } from "../graph/network.js";
import { type CpuEngine, type Report, WasmEngine } from "./engine.js";
import { compile } from "./lower/compile.js";
import { createMemory, hasRelaxedSimd, instantiate, refuseTooLarge, type Variant } from "./module.js";
import { NearlyDone } from "./nearly-done.js";
import type { CpuOptions } from "./options.js";
import { packAll } from "./pack/pack-all.js";
import { fromPacked, unpackable } from "./pack/unpack.js";
import type { CompileOptions, Integers, Program } from "./program/program.js";
import { type TileName, tiles, useTile } from "./program/tiles.js";
import { chooseThreads, type ThreadChoice } from "./threads/choose-threads.js";
import { isSmall, keptTuning, type Tuning } from "./tune/kept-tuning.js";
import { TileTrial } from "./tune/tile-trial.js";

/** Needed once a network and machine. */
const loadTuner = () => import("./tune/tune.js");
/** Needed for files of integers alone. */
const loadIntegers = () => import("./int8/open.js");

/** Bytes that `createCpuEngine` will take for a network, without taking them. */
export function planMemory(
  network: Graph,
  options: Pick<CpuOptions, "memory" | "convolution"> & { threads?: number; integers?: Integers | undefined } = {},
): { weights: number; activations: number; total: number } {
  const { integers } = options;
  const tile = integers?.floatTile;
  const program = compile(network, { ...compileOptions(options, options.threads ?? 1, integers), tile });
  return { weights: program.weightBytes, activations: program.activationBytes, total: program.bytes };
}

function compileOptions(
  { memory = "fast", convolution = "auto" }: Pick<CpuOptions, "memory" | "convolution">,
  threads: number,
  integers?: Integers,
): CompileOptions {
  return { memory, convolution, integers, threads };
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
export async function createCpuEngine<G extends Graph>(network: G, options: CpuOptions): Promise<CpuEngine<G>> {
  const relaxed = options.simd === "relaxed" || (options.simd !== "baseline" && hasRelaxedSimd());
  if (relaxed && !hasRelaxedSimd()) {
    throw new WasmError(`This engine has no relaxed SIMD. Use simd: "auto" or "baseline".`);
  }
  const quantized = network.values.some(({ quantization }) => quantization);
  const variantOf = ({ threads }: ThreadChoice): Variant =>
    `${quantized ? "int8-" : ""}${relaxed ? "relaxed" : "baseline"}${threads > 1 ? "-threads" : ""}`;
  const named = options.tile === "auto" ? undefined : options.tile;
  const asked = relaxed ? (named ?? null) : "4x8";
  const keptFor = async (choice: ThreadChoice, setting: "fast" | "small"): Promise<Tuning | null> => {
    // The few f32 layers beside integers are not worth a measurement.
    if (integers) return { tile: integers.floatTile, kernels: {} };
    const compiling = compileOptions({ ...options, memory: setting }, choice.threads);
    return keptTuning(network, compiling, variantOf(choice), asked, options.store);
  };
  const wanted = chooseThreads(options.threads ?? "auto", options.threadSupport, networkMacs(network));
  const fetched = options.wasm(variantOf(wanted));
  // Whoever waits for it, below, hears of a failure.
  fetched.catch(() => {});
  const integers = quantized
    ? await (await loadIntegers()).openIntegers(await fetched, variantOf(wanted), options.store)
    : undefined;
  const early = await keptFor(wanted, options.memory ?? "fast");
  throwIfAborted(options.signal);
  const { memory, choice, notes, setting, planned } = await reserve(network, options, wanted, early, integers);
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
  const compiling = compileOptions({ ...options, memory: setting }, choice.threads, integers);
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
  const trial = relaxed && !named && !quantized && isSmall(network) ? new TileTrial(sameSums(program)) : null;
  const report: Report = { relaxed, integers: integers?.name, tile, trial, measurements };
  const jobs = unpackable(network, program);
  if (options.readAgain && !quantized) for (const { weight } of program.jobs) if (!jobs.has(weight)) weight.keep?.();
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
  const { records } = program;
  const isLean = (_: unknown, index: number) => records[index * Field.size + Field.kernel] === Kernel.winogradLean;
  return program.steps.some(isLean) ? ["6x8", "4x8"] : ["6x8", "4x8", "6x16"];
}

/** The program with the kernels that were chosen, in a memory that grows where these need more than the table's. */
function programIn(network: Graph, options: CompileOptions, memory: WebAssembly.Memory): Program {
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
  network: Graph,
  options: CpuOptions,
  wanted: ThreadChoice,
  kept: Tuning | null,
  integers: Integers | undefined,
): Promise<Reservation> {
  const alone: ThreadChoice = { threads: 1, reason: "shared memory could not be had" };
  const attempts: [ThreadChoice, "fast" | "small", Tuning | null][] = [[wanted, options.memory ?? "fast", kept]];
  if (kept) attempts.push([wanted, options.memory ?? "fast", null]);
  if (options.memory !== "small") attempts.push([wanted, "small", null]);
  if (wanted.threads > 1) attempts.push([alone, "small", null]);
  const notes = options.note ? [options.note] : [];
  let refusal: unknown;
  for (const [choice, setting, tuning] of attempts) {
    const compiling = compileOptions({ ...options, memory: setting }, choice.threads, integers);
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
