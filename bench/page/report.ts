/**
 * What the page measures and its button copies. Times are in ms; rates are in GFLOP/s and count the direct algorithm, two
 * operations a multiply-add, whatever a kernel does instead: Winograd's kernels can pass the roof.
 */
export interface Report {
  readonly format: "resnet-edge bench page 1";
  readonly version: string;
  readonly date: string;
  readonly state: "running" | "complete" | "stopped" | "failed";
  /** How long the run took. */
  readonly seconds: number;
  readonly deviceName: string;
  readonly device: DeviceDescription;
  readonly settings: Settings;
  readonly networks: readonly NetworkReport[];
  /** What was asked for and not measured. */
  readonly unavailable: readonly Unavailable[];
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
}

export interface Unavailable {
  readonly what: string;
  readonly why: string;
}

export interface DeviceDescription {
  /** A guess at what to call it. */
  readonly name: string;
  readonly browser: string;
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
  readonly inputSize: number;
  readonly macs: number;
  readonly parameters: number;
  readonly configurations: readonly Configuration[];
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
  /** Of one core, when multiply-adds never leave their registers. */
  readonly roofGflops: number;
  /** `gflops` as a share of that roof times the threads. */
  readonly shareOfRoof: number;
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
}
