import type { Preprocess } from "../../options.js";
import type { SentError } from "../../worker/errors.js";
import type { Answer } from "./answering.js";

/** From a worker, once its model is loaded. */
export interface Ready {
  readonly preprocess: Preprocess;
  readonly isShare: boolean;
  /** Of its wasm memory. */
  readonly bytes: number;
  /** As `Answering.depth`. */
  readonly depth: number;
}

/** To a worker: [height, width, 3] of a picture's crop. */
export interface Picture {
  readonly id: number;
  rgb: Uint8Array | Uint8ClampedArray;
}

/** To a worker; `last`: no more will come for now. */
export type Task = Picture | { readonly last: true };

/**
 * From a worker; `packing`: its model is measured, and will take at most so many bytes of memory. `passed`: it is done with a picture,
 * whose answer may have to wait for others.
 */
export type Word =
  | { readonly packing: number }
  | { readonly ready: Ready }
  | { readonly refused: SentError }
  | { readonly passed: true }
  | { readonly id: number; readonly answer: Answer; readonly doubts: readonly string[] }
  | { readonly id: number; readonly error: SentError };
