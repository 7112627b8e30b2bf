import { Field, Kernel } from "../../../assembly/shared/record.js";
import type { Graph } from "../../graph/network.js";
import type { Traits } from "../module.js";
import type { Program } from "../program/program.js";
import type { TileName } from "../program/tiles.js";
import { isSmall } from "./kept-tuning.js";
import { TileTrial } from "./tile-trial.js";

/** For a network that is too small for a load to measure tiles: its first answers try them. Null where the tile is settled. */
export function trialOf(
  network: Graph,
  program: Program,
  { int8, tile }: Traits & { tile: TileName | null },
): TileTrial | null {
  return tile || int8 || !isSmall(network) ? null : new TileTrial(sameSums(program));
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
