import type { Summary } from "../../src/bench/saved.js";
import type { Spread, Verdict } from "../../src/bench/statistics.js";
import type { Point } from "../../src/bench/sustained.js";

/**
 * What the page measures and its button copies. Times are in ms; rates are in GFLOP/s and count the direct algorithm, two
 * operations a multiply-add, whatever a kernel does instead. Shares of the roof count what kernels do.
 */
export interface Report {
  readonly format: "resnet-edge bench 2";
  readonly version: string;
  readonly date: string;
  readonly state: "running" | "complete" | "stopped" | "failed";
  /** How long the run took. */
  readonly seconds: number;
  readonly deviceName: string;
  readonly device: DeviceDescription;
  readonly settings: Settings;
  readonly networks: readonly NetworkReport[];
  /** Of the fastest configuration of the first network; null where it was not asked for, or not reached. */
  readonly sustained: SustainedReport | null;
  /** What was asked for and not measured. */
  readonly unavailable: readonly Unavailable[];
  /** What is read of it beside other devices' (src/bench/saved.ts). */
  readonly summary: Summary;
  /** What a reader of the figures should know, such as a page that was hidden meanwhile. */
  readonly notes: readonly string[];
}

export interface Settings {
  /** Names that `pseudoRandomNetwork` knows. */
  readonly networks: readonly string[];
  /** Side in pixels, for the networks made for ImageNet; CIFAR's take 32. */
  readonly inputSize: number;
  readonly runs: number;
  /** Whether to compare the baseline module with the relaxed one, one thread with many, the CPU with the GPU. */
  readonly baseline: boolean;
  readonly threads: boolean;
  readonly gpu: boolean;
  /** The GPU with f16 storage as well. */
  readonly half: boolean;
  /** Even a GPU that is a program on the CPU. */
  readonly softwareGpu: boolean;
  /** All configurations of a network in turns, so many rounds, for a verdict; 0: none. */
  readonly rounds: number;
  /** The first of them once more, under another name: whether noise would be told as a difference. */
  readonly control: boolean;
  /** Real pictures, from their files to logits. */
  readonly pictures: boolean;
  /** One inference after the other, for so many seconds; 0: none. */
  readonly sustainedSeconds: number;
}

/** A network's configurations in turns, each time on an engine of its own. */
export interface TurnsReport {
  /** Rounds that were asked for. */
  readonly planned: number;
  readonly configurations: readonly {
    readonly name: string;
    /** Medians of turns, a round each. */
    readonly ms: readonly number[];
    readonly spread: Spread;
    readonly control: boolean;
  }[];
  /** Null until all rounds are done: who stops when the figures please finds winners in noise. */
  readonly verdict: Verdict | null;
  /** Of the configuration that was entered twice. */
  readonly control: Verdict | null;
}

/** Real pictures one at a time, by the network's fastest configuration. */
export interface EndToEndReport {
  readonly configuration: string;
  readonly pictures: readonly string[];
  readonly decode: Spread;
  /** Resize, crop, normalise, lay out. */
  readonly preprocess: Spread;
  readonly inference: Spread;
  readonly whole: Spread;
}

export interface SustainedReport {
  readonly network: string;
  readonly configuration: string;
  /** A second each. */
  readonly points: readonly Point[];
}

export interface Unavailable {
  readonly what: string;
  readonly why: string;
}

export interface DeviceDescription {
  /** A guess at what to call it. */
  readonly name: string;
  readonly browser: string;
  /** As exactly as the browser tells it. Flags that it was started with are told to no page. */
  readonly browserVersion: string;
  readonly platform: string;
  readonly userAgent: string;
  readonly cores: number;
  /** As `navigator.deviceMemory` rounds it; null where the browser does not say. */
  readonly memoryGiB: number | null;
  readonly secureContext: boolean;
  readonly crossOriginIsolated: boolean;
  /** Why there can be only one thread; null where there can be more. */
  readonly threadObstacle: string | null;
  readonly relaxedSimd: boolean;
  /** The smallest step of `performance.now()`. */
  readonly clockMs: number;
  /** Of one core, registers only, in the better module. */
  readonly roofGflops: number;
  readonly gpu: GpuDescription;
}

export interface GpuDescription {
  readonly available: boolean;
  readonly software: boolean;
  readonly name: string;
  readonly reason: string;
  readonly half: boolean;
  readonly vendor: string;
  readonly architecture: string;
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
}

export interface NetworkReport {
  readonly name: string;
  /** As the command calls it. */
  readonly architecture: string;
  readonly inputSize: number;
  readonly macs: number;
  readonly parameters: number;
  readonly configurations: readonly Configuration[];
  readonly turns: TurnsReport | null;
  readonly endToEnd: EndToEndReport | null;
}

export type Configuration = CpuConfiguration | GpuConfiguration;

interface Measured {
  /** Module and tile, or adapter. */
  readonly kernels: string;
  readonly loadMs: number;
  /** The first inference after loading. */
  readonly firstMs: number;
  readonly memoryBytes: number;
  /** One inference at a time, from the input in memory to logits in memory. */
  readonly latency: Latency;
  readonly imagesPerSecond: number;
  readonly gflops: number;
  readonly stages: readonly StageTime[];
}

export interface CpuConfiguration extends Measured {
  readonly device: "cpu";
  readonly simd: "baseline" | "relaxed";
  readonly threads: number;
  readonly threadsReason: string;
  /** Of this module's threads together, when multiply-adds never leave their registers. */
  readonly roofGflops: number;
  /** What the kernels' multiply-adds are of that roof, 0 to 1; null where the roof was measured in a slower phase. */
  readonly shareOfRoof: number | null;
  /** With one thread of the better module alone; empty otherwise. */
  readonly operations: readonly OperationTime[];
}

export interface GpuConfiguration extends Measured {
  readonly device: "gpu";
  readonly precision: "f32" | "f16";
  readonly software: boolean;
  readonly dispatches: number;
  /** Encoding, submitting and waiting for the answer, once an inference. */
  readonly waitMs: number;
  /** The image in and the logits out. */
  readonly moveMs: number;
  /** What the scheduler would do with these times, beside one CPU thread. */
  readonly schedule: { readonly gpuStages: readonly string[]; readonly predictedMs: number };
}

export interface Latency {
  readonly median: number;
  readonly min: number;
  readonly p90: number;
  /** Each the mean of `callsPerSample` inferences, in the order in which they were measured. */
  readonly samples: readonly number[];
  /** The median's interval, with 95 % confidence where there are enough samples. */
  readonly low: number;
  readonly high: number;
  readonly callsPerSample: number;
}

/** Medians. On a GPU the stage's own work, without moves and waits. */
export interface StageTime {
  readonly stage: string;
  readonly ms: number;
  readonly macs: number;
  readonly gflops: number;
}

export interface OperationTime {
  readonly operation: string;
  readonly stage: string;
  readonly kernel: string;
  readonly ms: number;
  readonly macs: number;
  /** Of the roof, by the multiply-adds that the kernel does; null as `shareOfRoof`. */
  readonly share: number | null;
}
