import type { Engine } from "../../src/engine.js";
import type { Network } from "../../src/model/network.js";
import type { Mover } from "../../src/schedule/calibrate.js";
import type { Store } from "../../src/store.js";

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
  readonly now = () => this.time;
  private readonly sleepers: { at: number; wake: () => void }[] = [];
  readonly sleep = (ms: number) =>
    new Promise<void>((wake) => {
      this.sleepers.push({ at: this.time + ms, wake });
    });
  advance(ms: number): void {
    this.time += ms;
    for (const sleeper of this.sleepers.splice(0)) {
      if (sleeper.at <= this.time) sleeper.wake();
      else this.sleepers.push(sleeper);
    }
  }
}

export class FakeEngine implements Mover {
  readonly network = network;
  closed = false;
  runs = 0;
  /** Changes an answer, or throws: an injected fault. */
  fault: ((x: Float32Array) => Float32Array) | null = null;
  slowdown = 1;
  busy = false;

  constructor(
    readonly device: "cpu" | "gpu",
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

export const asEngine = (engine: FakeEngine): Engine => engine;

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
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
