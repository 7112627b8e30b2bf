import { Tile } from "../../../assembly/shared/record.js";
import { engineName, kernelsVersion } from "../../base/version.js";
import type { Store } from "../../host/store.js";
import { createMemory, instantiate, type Kernels, type Variant } from "../module.js";
import type { Integers } from "../program/program.js";
import type { TileName } from "../program/tiles.js";
import { settledTime } from "../tune/settled-time.js";
import { lowerIntegers } from "./lower.js";
import { checkFinite, fromFloat, toFloat } from "./places.js";
import { fillTrial, isRight } from "./tile-check.js";

/** Tiles of integers by name, and the tile that f32 layers of such a network take beside it. */
const names = { "6x8": Tile.qs8_6x8, "4x8": Tile.qs8_4x8, "6x16": Tile.qs8_6x16, wide: Tile.qs8_wide } as const;
type Name = keyof typeof names;
/** About a millisecond of optimised code. */
const ROUNDS = 500;
const TRIAL_AT = 1 << 16;
/** Of its time here, what a tile may take of an earlier one's to be preferred. */
const WORTH = 0.97;

/** What an engine needs beside its own code for a network of integers: their lowering, and the tile that the clock prefers. */
export async function openIntegers(
  module: WebAssembly.Module,
  variant: Variant,
  store: Store | undefined,
): Promise<Integers> {
  const name = variant.includes("relaxed") ? await fastest(module, variant, store) : "wide";
  const floatTile: TileName = name === "wide" ? "4x8" : name;
  return { tile: names[name], name, floatTile, lower: lowerIntegers, checkFinite, toFloat, fromFloat };
}

async function fastest(module: WebAssembly.Module, variant: Variant, store: Store | undefined): Promise<Name> {
  const key = JSON.stringify(["int8 tile", kernelsVersion, engineName(), variant]);
  const kept = await store?.get(key).catch(() => null);
  if (kept && kept in names) return kept as Name;
  const kernels = await instantiate(module, createMemory(4 << 16, 4 << 16, variant.includes("threads")));
  const name = measure(kernels);
  await store?.set(key, name).catch(() => {});
  return name;
}

/**
 * The fastest of the tiles that are right. They are tried as the engine compiles them first and once they are optimised: V8 11.3 has a
 * dot product of bytes that is wrong at first.
 */
export function measure(kernels: Kernels): Name {
  const { buffer } = kernels.memory;
  fillTrial(buffer, TRIAL_AT);
  const works = (name: Name) => {
    kernels.trial(names[name], TRIAL_AT, 1);
    return isRight(buffer, TRIAL_AT, name === "wide" ? 2 : 4);
  };
  const right = (Object.keys(names) as Name[]).filter(works);
  const times = settledTime(right.map((name) => () => kernels.trial(names[name], TRIAL_AT, ROUNDS)));
  let [best, least] = ["wide" as Name, Number.POSITIVE_INFINITY];
  for (const [index, name] of right.entries()) {
    if (times[index]! < WORTH * least && works(name)) [best, least] = [name, times[index]!];
  }
  return best;
}
