import type { Graph } from "../graph/network.js";
import { compile } from "./lower/compile.js";
import { createMemory, refuseTooLarge } from "./module.js";
import type { CpuOptions } from "./options.js";
import type { CompileOptions, Integers, Program } from "./program/program.js";
import { TILE_BESIDE_INTEGERS } from "./program/tiles.js";
import { compileOptions, type MemorySetting, type Settled } from "./settle.js";
import type { ThreadChoice } from "./threads/choose-threads.js";
import type { Tuning } from "./tune/kept-tuning.js";

/** Needed once a network and machine. */
export const loadTuner = () => import("./tune/tune.js");

/** Bytes that an engine will take for a network, without taking them. */
export function planMemory(
  network: Graph,
  options: Pick<CpuOptions, "memory" | "convolution" | "lower"> & {
    threads?: number;
    integers?: Integers | undefined;
  } = {},
): { weights: number; activations: number; total: number } {
  const { integers } = options;
  const tile = integers && TILE_BESIDE_INTEGERS;
  const program = compile(network, { ...compileOptions(options, options.memory, options.threads, integers), tile });
  return { weights: program.weightBytes, activations: program.activationBytes, total: program.bytes };
}

export interface Reservation {
  readonly memory: WebAssembly.Memory;
  readonly setting: MemorySetting;
  readonly choice: ThreadChoice;
  /** What had to be given up for it. */
  readonly notes: readonly string[];
  /** The program that the memory is for, where its kernels were known. */
  readonly planned: Program | null;
}

/** The memory that was asked for, or else a smaller one, or else one that is not shared. `kept`: kernels for what was asked for. */
export async function reserve(
  network: Graph,
  options: CpuOptions,
  settled: Settled,
  kept: Tuning | null,
  integers: Integers | undefined,
): Promise<Reservation> {
  const wanted = settled.choice;
  const alone: ThreadChoice = { threads: 1, reason: "shared memory could not be had" };
  const attempts: [ThreadChoice, MemorySetting, Tuning | null][] = [[wanted, settled.memory, kept]];
  if (kept) attempts.push([wanted, settled.memory, null]);
  if (settled.memory !== "small") attempts.push([wanted, "small", null]);
  if (wanted.threads > 1) attempts.push([alone, "small", null]);
  const notes = options.note ? [options.note] : [];
  let refusal: unknown;
  for (const [choice, setting, tuning] of attempts) {
    const compiling = compileOptions(options, setting, choice.threads, integers);
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

/** The program with the kernels that were chosen, in a memory that grows where these need more than the table's. */
export function programIn(network: Graph, options: CompileOptions, memory: WebAssembly.Memory): Program {
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
