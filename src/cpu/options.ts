import type { Store } from "../host/store.js";
import type { Variant } from "./module.js";
import type { CompileOptions } from "./program/program.js";
import type { TileName } from "./program/tiles.js";
import type { ThreadSupport } from "./threads/choose-threads.js";

export interface CpuOptions {
  /** Fetches and compiles a module of kernels. */
  readonly wasm: (variant: Variant) => Promise<WebAssembly.Module>;
  readonly simd?: "auto" | "baseline" | "relaxed";
  readonly memory?: "fast" | "small";
  readonly convolution?: CompileOptions["convolution"];
  /** Of the matrix product: measured, unless it is named. The baseline module has 4x8 alone. */
  readonly tile?: "auto" | TileName;
  readonly threads?: "auto" | number;
  /** How this host starts threads; without it there is one. */
  readonly threadSupport?: ThreadSupport;
  /** Lowers what plain ResNets have not: code that `createCpuEngine` brings with the first such network. */
  readonly lower?: CompileOptions["lower"];
  /** Goes into the stats, after the reason for the number of threads. */
  readonly note?: string;
  /** Where measurements are kept from one load to the next. */
  readonly store?: Store | undefined;
  readonly signal?: AbortSignal | null;
  /** Another device will read the weights after this one: from the engine's `network`. */
  readonly readAgain?: boolean;
  /** Called in long runs of the last stage, a moment before they end. */
  readonly onNearlyDone?: (() => void) | undefined;
  /** Layers packed so far, of how many. */
  readonly onProgress?: (loaded: number, total: number) => void;
}
