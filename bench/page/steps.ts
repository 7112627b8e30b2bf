import type { DeviceDescription, Settings, Unavailable } from "./report.js";

/** One configuration of one network: opened, measured, closed. */
export type Step = { readonly network: string } & (CpuSetup | GpuSetup);

export interface CpuSetup {
  readonly device: "cpu";
  readonly simd: "baseline" | "relaxed";
  readonly threads: number;
}

export interface GpuSetup {
  readonly device: "gpu";
  readonly precision: "f32" | "f16";
}

/** Networks this small gain nothing from more, and waiting for sixteen tells the same. */
const MOST_THREADS = 16;
/** Ticks that a short operation disappears between. */
const COARSE_CLOCK_MS = 0.05;

export function titleOf(setup: CpuSetup | GpuSetup): string {
  if (setup.device === "gpu") return setup.precision === "f16" ? "GPU, f16 storage" : "GPU";
  const threads = setup.threads === 1 ? "1 thread" : `${setup.threads} threads`;
  return `CPU, ${setup.simd} SIMD, ${threads}`;
}

/**
 * What will be measured, most telling first, for a reader who stops early. The GPU follows one CPU thread at once, because it is
 * checked against that engine.
 */
export function stepsOf(settings: Settings, device: DeviceDescription): Step[] {
  const simd = device.relaxedSimd ? "relaxed" : "baseline";
  const setups: (CpuSetup | GpuSetup)[] = [{ device: "cpu", simd, threads: 1 }];
  if (gpuObstacle(settings, device) === null) {
    setups.push({ device: "gpu", precision: "f32" });
    if (settings.half && device.gpu.half) setups.push({ device: "gpu", precision: "f16" });
  }
  if (settings.threads && !device.threadObstacle) {
    for (const threads of threadCounts(device.cores)) setups.push({ device: "cpu", simd, threads });
  }
  if (settings.baseline && device.relaxedSimd) setups.push({ device: "cpu", simd: "baseline", threads: 1 });
  return settings.networks.flatMap((network) => setups.map((setup) => ({ network, ...setup })));
}

/** Two, four, eight ..., and all cores. */
function threadCounts(cores: number): number[] {
  const most = Math.min(cores, MOST_THREADS);
  const counts: number[] = [];
  for (let threads = 2; threads < most; threads *= 2) counts.push(threads);
  return most > 1 ? [...counts, most] : counts;
}

function gpuObstacle({ gpu, softwareGpu }: Settings, device: DeviceDescription): string | null {
  if (!gpu) return "it was not asked for";
  if (!device.gpu.available) return device.gpu.reason;
  if (device.gpu.software && !softwareGpu) {
    return `${device.gpu.reason}: a program on the CPU that says nothing of a GPU. Tick "software GPU" to time it all the same`;
  }
  return null;
}

/** What was asked for and cannot be had on this device. */
export function unavailableOn(device: DeviceDescription, settings: Settings): Unavailable[] {
  const found: Unavailable[] = [];
  const insecure = device.secureContext
    ? ""
    : " (this page came over plain http from another machine: serve it with --https, or reach it as localhost)";
  if (settings.threads && device.threadObstacle) {
    found.push({ what: "More than one thread", why: device.threadObstacle + insecure });
  } else if (settings.threads && device.cores === 1) {
    found.push({ what: "More than one thread", why: "the browser reports one core" });
  }
  if (settings.baseline && !device.relaxedSimd) {
    found.push({ what: "Relaxed SIMD", why: "this browser's WebAssembly lacks it; the baseline module ran alone" });
  }
  const obstacle = gpuObstacle(settings, device);
  if (settings.gpu && obstacle) {
    found.push({ what: "GPU", why: obstacle + (device.gpu.available ? "" : insecure) });
  } else if (settings.gpu && settings.half && !device.gpu.half) {
    found.push({ what: "GPU with f16 storage", why: "the adapter lacks shader-f16" });
  }
  if (device.clockMs > COARSE_CLOCK_MS) {
    found.push({
      what: "Exact times of short operations",
      why: `the clock ticks every ${device.clockMs.toFixed(2)} ms${device.crossOriginIsolated ? "" : " without cross-origin isolation"}; stages and networks are timed many calls at once instead`,
    });
  }
  return found;
}
