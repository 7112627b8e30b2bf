import { spreadOf } from "../../src/bench/statistics.js";
import type { Latency } from "./report.js";

/** A sample lasts at least this many ticks of the clock, so that a tick is 2 % of it. */
const TICKS = 50;
/** Engines optimise hot code in the background; GPUs raise their clocks. */
const WARM_MS = 400;
/** However slow it is, a median is of this many. */
const LEAST_ROUNDS = 3;

export type Task = () => Promise<unknown>;

export interface SamplingOptions {
  readonly rounds: number;
  /** No round begins after this, but the least. */
  readonly budgetMs: number;
  readonly clockMs: number;
  readonly onRound: (round: number, share: number) => void;
}

export interface Samples {
  readonly ms: readonly number[];
  readonly calls: number;
}

/** The smallest step of the clock: browsers coarsen it, more so without cross-origin isolation. */
export function clockTick(): number {
  let tick = Number.POSITIVE_INFINITY;
  for (let change = 0; change < 30; change++) {
    const start = performance.now();
    let now = start;
    while (now === start) now = performance.now();
    tick = Math.min(tick, now - start);
  }
  return tick;
}

export async function timed(task: Task): Promise<number> {
  const start = performance.now();
  await task();
  return performance.now() - start;
}

/** Repeats a task until it runs at its speed. */
export async function warm(task: Task): Promise<void> {
  const end = performance.now() + WARM_MS;
  do await task();
  while (performance.now() < end);
}

/** Times tasks in turn, round by round: whatever slows the device down for a while slows all of them. */
export async function sample(tasks: readonly Task[], options: SamplingOptions): Promise<Samples[]> {
  const { rounds, budgetMs, clockMs, onRound } = options;
  const calls: number[] = [];
  for (const task of tasks) calls.push(await callsOf(task, TICKS * clockMs));
  const samples = tasks.map(() => [] as number[]);
  const begun = performance.now();
  for (let round = 0; round < rounds; round++) {
    const elapsed = performance.now() - begun;
    if (round >= LEAST_ROUNDS && elapsed > budgetMs) break;
    onRound(round, Math.max(round / rounds, Math.min(elapsed / budgetMs, round / LEAST_ROUNDS)));
    // Threads that fell asleep while progress was told wake in a call that does not count: else the first task alone pays for it.
    await tasks[0]!();
    for (const [index, task] of tasks.entries()) samples[index]!.push(await mean(task, calls[index]!));
  }
  return samples.map((ms, index) => ({ ms, calls: calls[index]! }));
}

async function callsOf(task: Task, ms: number): Promise<number> {
  for (let calls = 1; ; calls *= 2) {
    const elapsed = calls * (await mean(task, calls));
    if (elapsed >= ms / 2) return Math.max(calls, Math.ceil((calls * ms) / elapsed));
  }
}

async function mean(task: Task, calls: number): Promise<number> {
  const start = performance.now();
  for (let call = 0; call < calls; call++) await task();
  return (performance.now() - start) / calls;
}

export function latencyOf({ ms, calls }: Samples): Latency {
  const sorted = ms.toSorted((a, b) => a - b);
  const { median, low, high } = spreadOf(ms);
  return {
    ...{ median, low, high },
    min: sorted[0]!,
    // By nearest rank: a value that was measured.
    p90: sorted[Math.ceil(0.9 * sorted.length) - 1]!,
    samples: ms,
    callsPerSample: calls,
  };
}
