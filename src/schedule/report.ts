import type { DeviceName, DeviceStats, EngineStats } from "../engine.js";
import type { Stage } from "../graph/network.js";
import { Plan } from "../plan.js";
import { type Choice, type Costs, isShared, predict, type StreamChoice, type Stretch } from "./planner.js";
import type { StreamWatch } from "./stream-watch.js";

/** What a plan in words is made of. */
export interface Situation {
  readonly stretch: Stretch;
  /** Why. */
  readonly reason: string;
  /** Null where nothing was measured, or what was measured is gone. */
  readonly costs: Costs | null;
  readonly choice: Choice | null;
  readonly stream: StreamChoice | null;
  readonly watch: StreamWatch;
  readonly calibrationRuns: number;
  readonly history: readonly string[];
}

/** The public plan. */
export function planOf(stages: readonly Stage[], situation: Situation): Plan {
  const { stretch, reason, costs, choice, stream, watch, calibrationRuns, history } = situation;
  return new Plan(
    stages.map(({ name }, index) => ({
      stage: name,
      device: deviceOf(index, stretch),
      reason,
      ...(costs ? { ms: msOf(costs, index) } : {}),
    })),
    {
      predictedMs: costs && predict(costs, stretch),
      cpuMs: choice?.alone.cpu ?? null,
      gpuMs: choice?.alone.gpu ?? null,
      stream: stream && {
        devices: stages.map((_, index) => deviceOf(index, stream.stretch)),
        predictedMs: stream.ms,
        measuredMs: watch.medianMs,
        depth: watch.depth,
      },
      calibrationRuns,
      history: [...history],
    },
  );
}

/** Why stages are placed so, by what each device alone would take. */
export function explain(costs: Costs, { alone }: Choice, stretch: Stretch): string {
  const each = (Object.entries(alone) as [DeviceName, number][]).map(
    ([device, ms]) => `${device.toUpperCase()} ${ms.toFixed(1)} ms`,
  );
  if (isShared(costs, stretch))
    return `both together take ${predict(costs, stretch).toFixed(1)} ms: ${each.join(", ")}`;
  return `the ${(stretch?.device ?? "cpu").toUpperCase()} is faster: ${each.join(", ")}`;
}

/** What the CPU says of itself, and what accelerators in use add to it. */
export function statsOf(cpu: EngineStats, others: readonly DeviceStats[]): EngineStats {
  const all = [cpu, ...others];
  return Object.assign({}, ...all, { kernels: all.map(({ kernels }) => kernels).join(", ") });
}

function deviceOf(stage: number, stretch: Stretch): DeviceName {
  return stretch && stage >= stretch.first && stage <= stretch.last ? stretch.device : "cpu";
}

function msOf({ stages }: Costs, index: number): { [Name in DeviceName]?: number } {
  return Object.fromEntries(Object.entries(stages).map(([device, ms]) => [device, ms[index]!]));
}
