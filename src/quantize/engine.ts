import type { Inside } from "../cpu/observe.js";
import { createCpuEngine } from "../cpu/open.js";
import type { CpuOptions } from "../cpu/options.js";
import type { Network } from "../graph/network.js";
import { inFloat } from "../graph/quantization.js";

export type Cpu = Pick<CpuOptions, "wasm" | "threads" | "threadSupport" | "simd">;

/** Works on an engine that computes the network in float. */
export async function onEngine<T>(network: Network, cpu: Cpu, work: (inside: Inside) => T | Promise<T>): Promise<T> {
  // A kernel that packs fast, unmeasured: each network runs a few times only.
  const engine = await createCpuEngine(inFloat(network), { ...cpu, convolution: "winograd4-lean" });
  try {
    return await work(await engine.inside());
  } finally {
    await engine.close();
  }
}
