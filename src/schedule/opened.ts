import type { Accelerator, AcceleratorName, LoadWatch } from "../engine.js";

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
