import { Field, Kernel, WinogradField } from "../../assembly/shared/record.js";
import { POINTS, STEM_PHASES, STRIDE2_PHASES, winogradPoints } from "../../assembly/shared/sizes.js";
import type { Program } from "../cpu/program/program.js";

/**
 * The multiply-adds that each record's matrix products do: those of the direct algorithm, or fewer by minimal filtering and Strassen.
 * Transforms are not counted, nor pixels that tiles have beyond the image's edge: a share of the roof by these is at most the true one.
 * Null where a kernel computes with integers, which the roof of f32 says nothing of.
 */
export function executedMacs({ records, steps }: Pick<Program, "records" | "steps">): (number | null)[] {
  return steps.map(({ macs }, index) => {
    const words = records.subarray(index * Field.size, (index + 1) * Field.size);
    const share = shareOf(words);
    return share === null ? null : macs * share;
  });
}

/** Of the direct algorithm's multiply-adds. */
function shareOf(words: Int32Array): number | null {
  switch (words[Field.kernel]) {
    case Kernel.strassen:
      return 7 / 8;
    case Kernel.winograd:
    case Kernel.winogradInput:
    case Kernel.winogradProduct:
    case Kernel.winogradOutput: {
      const tile = words[WinogradField.outputTile]!;
      return winogradPoints(tile) / (9 * tile * tile);
    }
    case Kernel.winogradLeanInput:
    case Kernel.winogradLean:
      // Of four by four outputs: with a stride of 2, or of 1.
      return (words[WinogradField.strideHeight] === 2 ? STRIDE2_PHASES ** 2 : POINTS) / (9 * 16);
    case Kernel.stemInput:
    case Kernel.stem:
      return STEM_PHASES ** 2 / (49 * 16);
    case Kernel.qs8Conv:
    case Kernel.qs8Linear:
    case Kernel.qs8Winograd:
      return null;
    default:
      return 1;
  }
}

/**
 * What share of the roof a rate is, from 0 to 1. Null where it would be more: then the roof was measured in a slower phase of
 * the machine, and says nothing. `roofGflops` and `ms` are of the same module, threads and flags.
 */
export function shareOfRoof(macs: number | null, ms: number, roofGflops: number): number | null {
  if (macs === null || !(ms > 0) || !(roofGflops > 0)) return null;
  const share = (2 * macs) / ms / 1e6 / roofGflops;
  return share <= 1 ? share : null;
}
