import type { DeviceName, Writable } from "../../src/engine.js";
import type { Network } from "../../src/graph/network.js";
import type { Store } from "../../src/host/store.js";

const STAGES = 6;

/** Six stages over vectors of eight; only names and shapes matter. */
export const network = {
  architecture: { name: "fake" },
  values: Array.from({ length: STAGES + 1 }, () => ({ channels: 8, height: 1, width: 1 })),
  stages: Array.from({ length: STAGES }, (_, index) => ({
    name: `stage${index}`,
    input: index,
    output: index + 1,
    ops: [],
  })),
  input: 0,
  output: STAGES,
} as unknown as Network;

/** What stage `index` does, on either device: order matters, so that a stage run twice or left out shows. */
function stage(index: number, x: Float32Array): Float32Array {
  return x.map((value, at) => value * 1.5 + index + at);
}

export function answer(input: Float32Array): Float32Array {
  let x: Float32Array = input;
  for (let index = 0; index < STAGES; index++) x = stage(index, x);
  return x;
}

/** Time that passes only when an engine works. */
export class Clock {
  time = 0;
  private shown = 0;
  readonly now = () => this.shown;
  private readonly sleepers: { at: number; wake: () => void }[] = [];
  readonly sleep = (ms: number) =>
    new Promise<void>((wake) => {
      this.sleepers.push({ at: this.time + ms, wake });
    });
  /** `skew`: what the clock shows of each ms that passes. */
  constructor(private readonly skew: () => number = () => 1) {}
  advance(ms: number): void {
    this.time += ms;
    this.shown += ms * this.skew();
    for (const sleeper of this.sleepers.splice(0)) {
      if (sleeper.at <= this.time) sleeper.wake();
      else this.sleepers.push(sleeper);
    }
  }
}

export class FakeEngine<Device extends DeviceName = DeviceName> {
  readonly network = network;
  closed = false;
  runs = 0;
  /** Changes an answer, or throws: an injected fault. */
  fault: ((x: Float32Array) => Float32Array) | null = null;
  slowdown = 1;
  busy = false;

  constructor(
    readonly device: Device,
    private readonly clock: Clock,
    private readonly ms: readonly number[],
    private readonly moveMs = 0,
  ) {}

  readonly stats = {
    wasmBytes: 0,
    gpuBytes: 7,
    threads: 1,
    threadsReason: "fake",
    kernels: "fake kernels",
    measurements: 0,
  };

  async run(first: number, last: number, input: Float32Array): Promise<Float32Array> {
    if (this.closed) throw new Error("closed");
    if (this.busy) throw new Error("two runs at once");
    this.busy = true;
    try {
      this.runs++;
      await null;
      let x = input;
      let ms = this.moveMs;
      for (let index = first; index <= last; index++) {
        x = stage(index, x);
        ms += this.ms[index]!;
      }
      this.clock.advance(ms * this.slowdown);
      return this.fault ? this.fault(x) : x;
    } finally {
      this.busy = false;
    }
  }

  async echo(): Promise<void> {
    this.clock.advance(this.moveMs * this.slowdown);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** One that takes images that lie on a GPU. */
export class FakeGpu extends FakeEngine<"gpu"> implements Writable {
  readonly gpu = {} as GPUDevice;
  async runWritten(): Promise<Float32Array> {
    throw new Error("there is no device here to write with");
  }
}

export class MemoryStore implements Store {
  readonly kept = new Map<string, string>();
  async get(key: string): Promise<string | null> {
    return this.kept.get(key) ?? null;
  }
  async set(key: string, value: string): Promise<void> {
    this.kept.set(key, value);
  }
}

/** Lets everything that is due happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** A clock under which engines work at the same time: it goes on to the next engine's end when nothing else is to be done. */
export class SharedClock {
  time = 0;
  /** Engines at work, and how much longer each takes while another is. */
  working = 0;
  contention = 1;
  readonly now = () => this.time;
  private readonly ends: { at: number; wake: () => void }[] = [];

  readonly sleep = (ms: number) =>
    new Promise<void>((wake) => {
      this.ends.push({ at: this.time + ms, wake });
    });

  async until<T>(result: Promise<T>): Promise<T> {
    let over = false;
    const stop = () => {
      over = true;
    };
    result.then(stop, stop);
    while (!over) {
      await new Promise((resolve) => setImmediate(resolve));
      this.ends.sort((a, b) => a.at - b.at);
      const next = this.ends.shift();
      if (!next) continue;
      this.time = Math.max(this.time, next.at);
      next.wake();
    }
    return result;
  }
}

/** An engine that takes its time on such a clock, and counts it. */
export class TimedEngine<Device extends DeviceName = DeviceName> extends FakeEngine<Device> {
  workedMs = 0;
  constructor(
    device: Device,
    private readonly shared: SharedClock,
    private readonly stageMs: readonly number[],
    private readonly waitMs = 0,
  ) {
    super(device, new Clock(), stageMs, 0);
  }

  override async run(first: number, last: number, input: Float32Array): Promise<Float32Array> {
    if (this.working) throw new Error("two runs at once");
    this.working = true;
    const alone = this.shared.working++ === 0;
    const work = this.waitMs + this.stageMs.slice(first, last + 1).reduce((total, stage) => total + stage, 0);
    const ms = alone ? work : work * this.shared.contention;
    await this.shared.sleep(ms);
    this.workedMs += ms;
    this.working = false;
    this.shared.working--;
    return super.run(first, last, input);
  }
  private working = false;

  override async echo(): Promise<void> {
    await this.shared.sleep(this.waitMs);
  }
}
