/** Where one stage runs, and why. */
export interface StagePlacement {
  readonly stage: string;
  readonly device: "cpu" | "gpu";
  readonly reason: string;
  /** Measured median in ms on each device; absent where it was not measured. */
  readonly ms?: { readonly cpu?: number; readonly gpu?: number };
}

/**
 * Several images asked for at once: what one device has done goes to the other while the next image takes its place.
 * Answers come in the order of the requests.
 */
export interface StreamSummary {
  /** Device of each stage, while images are in flight on both. */
  readonly devices: readonly ("cpu" | "gpu")[];
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
    const measured = this.stages.some(({ ms }) => ms);
    const time = (ms: number | undefined) => (ms === undefined ? "" : ms.toFixed(2)).padStart(9);
    const width = Math.max(5, ...this.stages.map(({ stage }) => stage.length));
    const lines = this.stages.map(
      ({ stage, device, ms }) =>
        `${stage.padEnd(width)}  ${device.padEnd(6)}${measured ? time(ms?.cpu) + time(ms?.gpu) : ""}`,
    );
    const { predictedMs, stream } = this.summary;
    return [
      `${"stage".padEnd(width)}  device${measured ? "   CPU ms   GPU ms" : ""}`,
      ...lines.map((line) => line.trimEnd()),
      ...new Set(this.stages.map(({ reason }) => reason)),
      ...(predictedMs === null ? [] : [`predicted ${predictedMs.toFixed(2)} ms`]),
      ...(stream ? [this.describe(stream)] : []),
    ].join("\n");
  }

  private describe({ devices, predictedMs, measuredMs, depth }: StreamSummary): string {
    const here = this.stages.filter((_, index) => devices[index] === "gpu").map(({ stage }) => stage);
    const where = here.length === 0 ? "on the CPU" : `on the GPU ${here.join(", ")}`;
    const rate = (ms: number) => `${ms.toFixed(2)} ms an image (${(1000 / ms).toFixed(1)} a second)`;
    const measured = measuredMs === null ? "" : `, measured ${rate(measuredMs)}, ${depth} in flight, answered in order`;
    return `a stream: ${where}; predicted ${rate(predictedMs)}${measured}`;
  }
}
