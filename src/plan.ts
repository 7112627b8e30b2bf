import type { Network } from "./model/network.js";

/** Where one stage runs, and why. */
export interface StagePlacement {
  readonly stage: string;
  readonly device: "cpu" | "gpu";
  readonly reason: string;
  /** Measured median in ms on each device; absent where it was not measured. */
  readonly ms?: { readonly cpu?: number; readonly gpu?: number };
}

/** The placement of a network's stages: plain data, readable as a table through `toString()`. */
export class Plan {
  constructor(readonly stages: readonly StagePlacement[]) {}

  toString(): string {
    const width = Math.max(...this.stages.map(({ stage }) => stage.length));
    return this.stages.map(({ stage, device, reason }) => `${stage.padEnd(width)}  ${device}  ${reason}`).join("\n");
  }
}

export function cpuPlan(network: Network, reason: string): Plan {
  return new Plan(network.stages.map(({ name }) => ({ stage: name, device: "cpu", reason })));
}
