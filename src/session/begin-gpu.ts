// What a page loads once it has a GPU to ask for.
import { kernelsVersion } from "../base/version.js";
import { adapterName, isSoftware, probeGpu } from "../gpu/probe.js";
import { graphKey } from "../graph/graph-key.js";
import type { Graph } from "../graph/network.js";
import type { Host } from "../host/host.js";
import type { LoadOptions } from "../options.js";
import type { Open } from "../schedule/opened.js";

/** An engine for `network` on the caller's device, or on an adapter of `gpu`. Throws with the reason where there is none. */
export async function beginGpu(
  network: Graph,
  host: Host,
  gpu: GPU | undefined,
  { device, gpuDevice, precision }: Pick<LoadOptions, "device" | "gpuDevice" | "precision">,
  watch: Parameters<Open>[0],
): ReturnType<Open> {
  const probe = gpuDevice ? null : await probeGpu({ gpu: gpu! });
  if (probe && !probe.adapter) throw new Error(probe.reason);
  const info = gpuDevice?.adapterInfo ?? probe?.adapter?.info;
  const software = probe?.software ?? isSoftware({ info });
  // Said before anything is compiled: a software adapter takes seconds for that.
  if (software && device === "auto") {
    throw new Error(`${adapterName(info)} is a software adapter: the CPU's own kernels are faster`);
  }
  const { createGpuEngine } = await host.loadGpu();
  const engine = await createGpuEngine(network, {
    ...watch,
    precision,
    ...(gpuDevice ? { device: gpuDevice } : { adapter: probe!.adapter! }),
  });
  const key = calibrationKey(network, engine.stats.kernels, precision);
  return { engine, software: engine.software, key };
}

/** Costs depend on operations, not on weights' values: kernels, adapter, browser, cores, network. */
function calibrationKey(network: Graph, adapter: string, precision = "f32"): string {
  const { userAgent = "", hardwareConcurrency = 1 } = globalThis.navigator ?? {};
  const machine = [adapter, precision, userAgent, hardwareConcurrency];
  return JSON.stringify(["costs", kernelsVersion, ...machine, graphKey(network)]);
}
