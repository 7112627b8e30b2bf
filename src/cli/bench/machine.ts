import { cpus, release, totalmem, type } from "node:os";

/** What figures depend on beside the network and its options: as far as Node knows it. */
export interface Machine {
  /** The processor, by its own name, and how many threads of it there are. */
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly runtime: string;
  readonly v8: string;
  /** Of Node and V8, from the command line and the environment. */
  readonly flags: readonly string[];
}

export function machine(): Machine {
  const all = cpus();
  const { NODE_OPTIONS = "" } = process.env;
  return {
    processor: all[0]?.model.trim() || `an unknown processor (${process.arch})`,
    cores: all.length,
    memoryGiB: Math.round((10 * totalmem()) / 2 ** 30) / 10,
    system: `${type()} ${release()} ${process.arch}`,
    runtime: `Node ${process.versions.node}`,
    v8: process.versions.v8,
    flags: [...process.execArgv, ...NODE_OPTIONS.split(/\s+/).filter((word) => word !== "")],
  };
}
