import type { Preprocess } from "../../options.js";
import type { SentError } from "../../worker/errors.js";
import type { Answer } from "./answering.js";

/** From a worker, once its model is loaded. */
export interface Ready {
  readonly preprocess: Preprocess;
  readonly isShare: boolean;
  /** Of its wasm memory. */
  readonly bytes: number;
}

/** To a worker: [height, width, 3] of a picture's crop. */
export interface Picture {
  readonly id: number;
  readonly rgb: Uint8Array | Uint8ClampedArray;
}

/** From a worker. */
export type Word =
  | { readonly ready: Ready }
  | { readonly refused: SentError }
  | { readonly id: number; readonly answer: Answer; readonly doubts: readonly string[] }
  | { readonly id: number; readonly error: SentError };
