import type { Graph } from "../graph/network.js";
import type { Host } from "../host/host.js";
import type { LoadOptions } from "../options.js";
import type { Open } from "../schedule/opened.js";

/** How the scheduler opens the GPU for a network, which is asked for then; undefined where there is nothing to open. */
export async function gpuOpener(
  networkOf: () => Graph,
  host: Host,
  { device = "auto", gpuDevice, precision, ...options }: LoadOptions,
): Promise<Open | undefined> {
  if (device === "cpu") return undefined;
  const gpu = options.gpu ?? globalThis.navigator?.gpu ?? (device === "gpu" ? await host.findGpu?.() : undefined);
  if (!gpu && !gpuDevice) return undefined;
  return async (watch) => {
    const { beginGpu } = await import("./begin-gpu.js");
    return beginGpu(networkOf(), host, gpu ?? undefined, { device, gpuDevice, precision }, watch);
  };
}
