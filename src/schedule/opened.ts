import type { Accelerator, AcceleratorName } from "../engine.js";

/** Of a load that waits for a device. */
export interface LoadWatch {
  readonly signal?: AbortSignal | null;
  /** Layers packed and pipelines compiled so far, of how many. */
  readonly onProgress?: (loaded: number, total: number) => void;
}

/** An accelerator's engine, and where its calibration is kept. */
export interface Opened {
  readonly engine: Accelerator;
  /** A rasteriser on the CPU: never chosen by "auto". */
  readonly software: boolean;
  /** Adapter and whatever else a calibration depends on. */
  readonly key: string;
}

/** Opens an accelerator; rejects with the reason where there is none. */
export type Open = (watch: LoadWatch) => Promise<Opened>;

/** How each accelerator is opened; absent where this host has none of that name. */
export type Openers = { readonly [Name in AcceleratorName]?: Open };
