import { cpus, release, totalmem, type } from "node:os";

/** What figures depend on beside the network and its options: as far as the runtime knows it. */
export interface Machine {
  /** The processor, by its own name, and how many threads of it there are. */
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly runtime: string;
  /** "none" in Bun, which has JavaScriptCore. */
  readonly v8: string;
  /** Of Node and V8, from the command line and the environment. */
  readonly flags: readonly string[];
}

export function machine(): Machine {
  const all = cpus();
  const { NODE_OPTIONS = "" } = process.env;
  // Bun and Deno say which Node they are like, too, and Bun which V8.
  const { bun, deno, node, v8 } = process.versions;
  return {
    processor: all[0]?.model.trim() || `an unknown processor (${process.arch})`,
    cores: all.length,
    memoryGiB: Math.round((10 * totalmem()) / 2 ** 30) / 10,
    system: `${type()} ${release()} ${process.arch}`,
    runtime: bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : `Node ${node}`,
    v8: bun ? "none" : v8,
    flags: [...process.execArgv, ...NODE_OPTIONS.split(/\s+/).filter((word) => word !== "")],
  };
}
