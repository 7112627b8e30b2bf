import type { Configuration, NetworkReport } from "../report.js";
import { titleOf } from "../steps.js";

/** The colour of a configuration. */
export function seriesOf(configuration: Configuration): string {
  if (configuration.device === "gpu") return configuration.precision === "f16" ? "gpu-half" : "gpu";
  if (configuration.threads > 1) return "many";
  return configuration.kernels.includes("relaxed") ? "one" : "baseline";
}

export const labelOf = (configuration: Configuration) => titleOf(configuration);

/** Where a longer name stands beside it. */
export function shortLabelOf(configuration: Configuration): string {
  if (configuration.device === "gpu") return configuration.precision === "f16" ? "GPU f16" : "GPU";
  return configuration.threads === 1 ? "1 thread" : `${configuration.threads} threads`;
}

/** Of the configurations that stand for something, in one order everywhere: slow kinds first, the GPU last. */
export function sorted({ configurations }: NetworkReport): Configuration[] {
  const rank = (it: Configuration) =>
    it.device === "gpu" ? 1000 + (it.precision === "f16" ? 1 : 0) : it.simd === "baseline" ? 0 : it.threads;
  return configurations.toSorted((a, b) => rank(a) - rank(b));
}

export function fastest({ configurations }: NetworkReport): Configuration | undefined {
  return configurations.toSorted((a, b) => a.latency.median - b.latency.median)[0];
}
