import { WasmError } from "../errors.js";
import { isExtended } from "../graph/extended-op.js";
import { networkMacs } from "../graph/macs.js";
import type { Graph } from "../graph/network.js";
import { hasRelaxedSimd, type Traits } from "./module.js";
import type { CpuOptions } from "./options.js";
import type { CompileOptions, Integers } from "./program/program.js";
import type { TileName } from "./program/tiles.js";
import { chooseThreads, type ThreadChoice, type ThreadSupport } from "./threads/choose-threads.js";

export type MemorySetting = CompileOptions["memory"];

/** What the network, the options and this engine settle, before anything is fetched or reserved. */
export interface Settled extends Traits {
  /** The tile that the caller names; null where it is to be measured. */
  readonly tile: TileName | null;
  readonly choice: ThreadChoice;
  readonly memory: MemorySetting;
}

/** Throws `WasmError` where relaxed SIMD is asked for and there is none. */
export function settle(
  network: Graph,
  { simd, tile = "auto", threads = "auto", threadSupport, memory = "fast" }: CpuOptions,
): Settled {
  const relaxed = wantsRelaxed(simd);
  if (relaxed && !hasRelaxedSimd()) {
    throw new WasmError(`This engine has no relaxed SIMD. Use simd: "auto" or "baseline".`);
  }
  return {
    extended: isExtended(network),
    int8: network.values.some(({ quantization }) => quantization),
    relaxed,
    tile: relaxed ? (tile === "auto" ? null : tile) : "4x8",
    choice: chooseThreads(threads, threadSupport, networkMacs(network)),
    memory,
  };
}

export function compileOptions(
  { convolution = "auto", lower }: Pick<CpuOptions, "convolution" | "lower">,
  memory: MemorySetting = "fast",
  threads = 1,
  integers?: Integers,
): CompileOptions {
  // Modules with integers have no more f32 kernels than the layer behind the image and a few others need.
  const own = integers && convolution !== "direct" ? "winograd4-lean" : convolution;
  return { memory, convolution: own, integers, lower, threads };
}

/** The module that an engine will ask for, where that does not depend on the network; or null. */
export function likelyVariant(
  { simd, threads }: Pick<CpuOptions, "simd" | "threads">,
  support: ThreadSupport | undefined,
): "baseline" | "relaxed" | null {
  const alone = threads === 1 || support?.obstacle !== null;
  const relaxed = wantsRelaxed(simd);
  if (!alone || (relaxed && !hasRelaxedSimd())) return null;
  return relaxed ? "relaxed" : "baseline";
}

const wantsRelaxed = (simd: CpuOptions["simd"]) => simd === "relaxed" || (simd !== "baseline" && hasRelaxedSimd());
