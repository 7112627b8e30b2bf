import type { Inside } from "../cpu/observe.js";
import { createCpuEngine } from "../cpu/open.js";
import type { CpuOptions } from "../cpu/options.js";
import type { Network } from "../graph/network.js";
import { inFloat } from "../graph/quantization.js";
import type { Store } from "../host/store.js";

export type Cpu = Pick<CpuOptions, "wasm" | "threads" | "threadSupport" | "simd">;

/** Stands for measurements that were kept: the tables' own kernels are taken, on every machine the same. */
const unmeasured: Store = {
  get: async () => JSON.stringify({ tile: "4x8", kernels: {} }),
  set: async () => {},
};

/**
 * Works on an engine that computes the network in float. Unless `simd` says otherwise, sums are rounded alike on all machines: relaxed
 * SIMD may fuse multiply-adds or not, and a measured kernel may sum in another order.
 */
export async function onEngine<T>(network: Network, cpu: Cpu, work: (inside: Inside) => T | Promise<T>): Promise<T> {
  const engine = await createCpuEngine(inFloat(network), {
    simd: "baseline",
    ...cpu,
    tile: "4x8",
    // It packs fast: each network runs a few times only.
    convolution: "winograd4-lean",
    store: unmeasured,
  });
  try {
    return await work(await engine.inside());
  } finally {
    await engine.close();
  }
}
