import { Tile } from "../../../assembly/shared/record.js";
import { engineName, kernelsVersion } from "../../base/version.js";
import { WasmError } from "../../errors.js";
import { networkMacs } from "../../graph/macs.js";
import type { Graph } from "../../graph/network.js";
import type { Store } from "../../host/store.js";
import { createMemory, instantiate, type Kernels, type Traits, variantOf } from "../module.js";
import type { Integers } from "../program/program.js";
import { settledTime } from "../tune/settled-time.js";
import { lowerIntegers } from "./lower.js";
import { checkFinite, fromFloat, toFloat } from "./places.js";
import { plain } from "./plain.js";
import { fillTrial, isRight } from "./tile-check.js";

/** Needed for networks beside the plain ResNets alone. */
const loadBounded = () => import("./bounded.js");

/** Tiles of integers by name. */
const names = { "6x8": Tile.qs8_6x8, "4x8": Tile.qs8_4x8, "6x16": Tile.qs8_6x16, wide: Tile.qs8_wide } as const;
type Name = keyof typeof names;
/** About two thirds of a millisecond of optimised code. */
const ROUNDS = 200;
const TRIAL_AT = 1 << 16;
/** Below, a measurement takes as long as a hundred answers, and a tile that is not the best one costs a share of a millisecond of each. */
const LEAST_MACS = 500e6;
/** What measurements find mostly. */
const USUAL_FILTERING = 2;
/** The time of minimal filtering's products in that of the tile of sixteen bits, where `halvesTime` was measured (V8 14.6, Zen 4). */
const HALVED_TIME = 0.86;
/**
 * Of its time here, what a tile may take of an earlier one's to be preferred: noise of 3 % should not outdo the likelier one. A layer
 * widens its rows for many more panels than the trial does, and its panels for more rows.
 */
const WORTH: Readonly<Record<Name, number>> = { "6x8": 0.97, "4x8": 0.97, "6x16": 0.97, wide: 1.08 };

/**
 * What an engine needs beside its own code for a network of integers: its lowering, and the tile that the clock prefers, or for a small
 * network the likeliest. Null where the module takes no shared memory, and would have to.
 */
export async function openIntegers(
  network: Graph,
  module: WebAssembly.Module,
  traits: Traits,
  shared: boolean,
  { store }: { readonly store?: Store | undefined },
): Promise<Integers | null> {
  const kernels = await instantiate(module, createMemory(4 << 16, 4 << 16, shared)).catch((error) => {
    if (!shared) throw error;
    return null;
  });
  if (!kernels) return null;
  const found = await measured(network, kernels, traits, shared, store);
  const lower = traits.extended
    ? await (await loadBounded()).lowererFor(network, kernels, variantOf(traits, shared), plain)
    : lowerIntegers;
  // Relaxed modules have no products of halves.
  const halving = traits.relaxed ? Number.POSITIVE_INFINITY : found.halving;
  return { ...found, tile: names[found.name], halving, lower, checkFinite, toFloat, fromFloat };
}

/** The fastest tile, and what a multiply-add of minimal filtering takes in multiply-adds of that. */
interface Measured {
  readonly name: Name;
  readonly filtering: number;
  /** What a multiply-add of Strassen's products takes, in those of the tile of sixteen bits; 1 where `halvesTime` is right. */
  readonly halving: number;
  /** Whether minimal filtering multiplies two panels at a time. */
  readonly pairs: boolean;
}

async function measured(
  network: Graph,
  kernels: Kernels,
  traits: Traits,
  shared: boolean,
  store: Store | undefined,
): Promise<Measured> {
  const key = JSON.stringify(["int8 tile", kernelsVersion, engineName(), variantOf(traits, shared)]);
  // A caller's own module may have none, whatever was kept.
  if (!hasIntegers(kernels)) {
    throw new WasmError(
      `The given module of kernels (options.wasm) has none for models of integers: give cpu-${variantOf(traits, shared)}.wasm, or load the model with precision: "f32".`,
    );
  }
  const kept = check(await store?.get(key).catch(() => null));
  if (kept) return kept;
  if (networkMacs(network) < LEAST_MACS) return likeliest(kernels, traits.relaxed);
  const found = measure(kernels, traits.relaxed);
  await store?.set(key, JSON.stringify(found)).catch(() => {});
  return found;
}

/** Whether the tile that needs no dot product of bytes is there, and right. */
function hasIntegers(kernels: Kernels): boolean {
  fillTrial(kernels.memory.buffer, TRIAL_AT);
  return works(kernels, "wide");
}

function works(kernels: Kernels, name: Name): boolean {
  kernels.trial(names[name], TRIAL_AT, 1);
  return isRight(kernels.memory.buffer, TRIAL_AT, name === "wide" ? 2 : 4);
}

/** Without a clock: the tile that most machines prefer, where it is right. */
function likeliest(kernels: Kernels, relaxed: boolean): Measured {
  fillTrial(kernels.memory.buffer, TRIAL_AT);
  return {
    name: relaxed && works(kernels, "6x8") ? "6x8" : "wide",
    filtering: USUAL_FILTERING,
    halving: 1,
    pairs: false,
  };
}

/** What was kept, where it is whole. */
function check(text: string | null | undefined): Measured | null {
  try {
    const kept = JSON.parse(text ?? "null") as Measured | null;
    return kept && kept.name in names && kept.filtering > 0 ? kept : null;
  } catch {
    return null;
  }
}

/**
 * The fastest of the tiles that are right. They are tried as the engine compiles them first and once they are optimised: V8 11.3 has a
 * dot product of bytes that is wrong at first.
 */
export function measure(kernels: Kernels, relaxed: boolean): Measured {
  fillTrial(kernels.memory.buffer, TRIAL_AT);
  const tried = (Object.keys(names) as Name[]).filter((name) => relaxed || name === "wide");
  const right = tried.filter((name) => works(kernels, name));
  const tiles = [...right.map((name) => names[name]), Tile.i16_4x8, Tile.i16_4x16];
  const times = settledTime(tiles.map((tile) => () => kernels.trial(tile, TRIAL_AT, ROUNDS)));
  let [best, least] = ["wide" as Name, Number.POSITIVE_INFINITY];
  for (const [index, name] of right.entries()) {
    if (times[index]! < WORTH[name] * least && works(kernels, name)) [best, least] = [name, times[index]!];
  }
  const [one, two] = times.slice(-2) as [number, number];
  const pairs = two < WORTH["6x16"] * one;
  return {
    name: best,
    filtering: (pairs ? two : one) / times[right.indexOf(best)]!,
    halving: one / times[right.indexOf("wide")]! / HALVED_TIME,
    pairs,
  };
}
