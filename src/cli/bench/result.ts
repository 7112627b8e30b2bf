import type { Spread, Verdict } from "../../bench/statistics.js";
import type { Point } from "../../bench/sustained.js";
import type { OpTiming } from "../../cpu/engine.js";
import type { Network } from "../../graph/network.js";
import type { Machine } from "./machine.js";
import type { EndToEnd } from "./pictures.js";
import type { Placed } from "./placed.js";

/** All that one network's bench found. */
export interface Result {
  readonly network: Network;
  readonly date: string;
  readonly machine: Machine;
  readonly kernels: string;
  readonly threads: number;
  readonly threadsReason: string;
  readonly wasmBytes: number;
  readonly loadMs: number;
  readonly runs: number;
  /** One inference at a time, on one engine. */
  readonly whole: Spread & { readonly min: number; readonly p90: number };
  /** In GFLOP/s, of the same module, threads and flags: all threads together, and one. */
  readonly roof: number;
  readonly roofOfOne: number;
  /** GFLOP/s of the matrix product alone on one thread, by tile. */
  readonly tiles: Readonly<Record<string, number>>;
  readonly stages: readonly Timed[];
  readonly ops: readonly (OpTiming & Timed)[];
  readonly plan: Placed | null;
  readonly endToEnd: EndToEnd | null;
  readonly sustained: { readonly points: readonly Point[]; readonly throttling: number } | null;
  readonly comparison: {
    readonly configurations: readonly {
      readonly name: string;
      readonly ms: Spread;
      readonly rounds: readonly number[];
    }[];
    readonly verdict: Verdict;
  } | null;
}

/** A part of the network: its time, the direct algorithm's multiply-adds, and its share of the roof by those that are done. */
export interface Timed {
  readonly name: string;
  readonly ms: number;
  readonly macs: number;
  /** Null where the roof says nothing of it. */
  readonly share: number | null;
}
