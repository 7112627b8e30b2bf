import type { DeviceName } from "./engine.js";

/** Where one stage runs, and why. */
export interface StagePlacement {
  readonly stage: string;
  readonly device: DeviceName;
  readonly reason: string;
  /** Measured median in ms on each device; absent where it was not measured. */
  readonly ms?: { readonly [Name in DeviceName]?: number };
}

/**
 * Several images asked for at once: what one device has done goes to the other while the next image takes its place.
 * Answers come in the order of the requests.
 */
export interface StreamSummary {
  /** Device of each stage, while images are in flight on both. */
  readonly devices: readonly DeviceName[];
  /** Between two answers. */
  readonly predictedMs: number;
  /** The median of the last twenty; null before that. */
  readonly measuredMs: number | null;
  /** Most images in flight so far. */
  readonly depth: number;
}

/** What is known of the plan as a whole; ms are null where nothing was measured. */
export interface PlanSummary {
  /** Of one inference by this plan, and by each device alone, moves and waits included. */
  readonly predictedMs: number | null;
  readonly cpuMs: number | null;
  readonly gpuMs: number | null;
  /** How images run when several are asked for at once; null where nothing was measured: all on one device. */
  readonly stream: StreamSummary | null;
  /** Measurements made in this session; 0 where an earlier visit's were used. */
  readonly calibrationRuns: number;
  /** Why the plan is what it is, and what it was before: the last twenty decisions, oldest first. */
  readonly history: readonly string[];
}

const UNMEASURED: PlanSummary = {
  predictedMs: null,
  cpuMs: null,
  gpuMs: null,
  stream: null,
  calibrationRuns: 0,
  history: [],
};

/** The placement of a network's stages: plain data, readable as a table through `toString()`. */
export class Plan {
  constructor(
    readonly stages: readonly StagePlacement[],
    readonly summary: PlanSummary = UNMEASURED,
  ) {}

  toString(): string {
    const width = Math.max(5, ...this.stages.map(({ stage }) => stage.length));
    const lines = this.stages.map(
      ({ stage, device, ms }) =>
        `${stage.padEnd(width)}  ${device.padEnd(6)}${Object.values(ms ?? {})
          .map((time) => time.toFixed(2).padStart(9))
          .join("")}`,
    );
    const measured = Object.keys(this.stages[0]?.ms ?? {}) as DeviceName[];
    const { predictedMs, stream } = this.summary;
    return [
      `${"stage".padEnd(width)}  device${measured.map((name) => `   ${name.toUpperCase()} ms`).join("")}`,
      ...lines.map((line) => line.trimEnd()),
      ...new Set(this.stages.map(({ reason }) => reason)),
      ...(predictedMs === null ? [] : [`predicted ${predictedMs.toFixed(2)} ms`]),
      ...(stream ? [this.describe(stream)] : []),
    ].join("\n");
  }

  private describe({ devices, predictedMs, measuredMs, depth }: StreamSummary): string {
    const device = devices.find((it) => it !== "cpu");
    const here = this.stages.filter((_, index) => devices[index] === device).map(({ stage }) => stage);
    const where = device ? `on the ${device.toUpperCase()} ${here.join(", ")}` : "on the CPU";
    const rate = (ms: number) => `${ms.toFixed(2)} ms an image (${(1000 / ms).toFixed(1)} a second)`;
    const measured = measuredMs === null ? "" : `, measured ${rate(measuredMs)}, ${depth} in flight, answered in order`;
    return `a stream: ${where}; predicted ${rate(predictedMs)}${measured}`;
  }
}
