import { throwIfAborted } from "../../errors.js";
import type { Arriving } from "../../graph/arriving.js";
import type { Kernels } from "../module.js";
import type { CpuOptions } from "../options.js";
import type { Program } from "../program/program.js";
import { Turns } from "./turns.js";
import { neededInAll, packWeights } from "./weights.js";

/** Packing stays off the caller's event loop for no longer than this at a time. */
const SLICE_MS = 12;
/** While the network's file arrives, its next bytes should not wait: the pipe that they come through is soon full. */
const ARRIVING_SLICE_MS = 3;

interface Part {
  /** How much of the file must be here before it is done. */
  readonly needs: number;
  /** Yields how much must be here before it goes on. */
  pack(): Generator<number, void>;
}

/** Packs a program's weights into its memory, in the order in which they arrive. Rejects where they do not. */
export async function packAll(
  program: Program,
  kernels: Kernels,
  arriving: Arriving | undefined,
  { signal, onProgress }: Pick<CpuOptions, "signal" | "onProgress">,
): Promise<void> {
  const parts = [...affinesOf(program, kernels), ...jobsOf(program, kernels)].sort((a, b) => a.needs - b.needs);
  const turns = new Turns();
  const slice = arriving ? ARRIVING_SLICE_MS : SLICE_MS;
  let sliceEnd = performance.now() + slice;
  try {
    for (const [index, part] of parts.entries()) {
      for (const needed of part.pack()) {
        if (arriving && needed > arriving.loaded) await arriving.arrived(needed);
        else if (performance.now() < sliceEnd) continue;
        else await turns.next();
        throwIfAborted(signal);
        sliceEnd = performance.now() + slice;
      }
      if (index + 1 < parts.length) onProgress?.(index + 1, parts.length);
    }
    await arriving?.finished();
    throwIfAborted(signal);
    onProgress?.(parts.length, parts.length);
  } finally {
    turns.end();
  }
}

function jobsOf(program: Program, kernels: Kernels): Part[] {
  return program.jobs.map((job) => ({ needs: neededInAll(job), pack: () => packWeights(job, program, kernels) }));
}

function affinesOf({ affines }: Program, { memory }: Kernels): Part[] {
  return affines.map(({ scale, shift, scaleAt, shiftAt }) => {
    const needs = Math.max(scale.needs ?? 0, shift.needs ?? 0);
    const pack = function* () {
      yield needs;
      new Float32Array(memory.buffer, scaleAt, scale.length).set(scale.read());
      new Float32Array(memory.buffer, shiftAt, shift.length).set(shift.read());
    };
    return { needs, pack };
  });
}
