import { Sync } from "../../../assembly/shared/sync.js";
import type { WorkerPort } from "../../worker/handle/handle.js";
import type { Kernels } from "../module.js";

/** What a thread must know to take part: it instantiates the same module on the same memory. */
export interface ThreadTask {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly program: number;
  /** This thread's own. */
  readonly scratch: number;
  readonly sync: number;
  /** Takes pieces from the back: 1, or 0. */
  readonly last: number;
}

export type ThreadNews = { readonly ready: true } | { readonly failed: string };

/** A thread's life: one task, served until another thread dies. The engine that started it ends it. */
export function serveThread(port: WorkerPort): void {
  port.listen(async ({ module, memory, program, scratch, sync, last }: ThreadTask) => {
    try {
      const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
      port.post({ ready: true } satisfies ThreadNews);
      (exports as unknown as Kernels).serve(program, scratch, sync, last);
      port.post({ failed: "another thread stopped" } satisfies ThreadNews);
    } catch (error) {
      release(memory, sync);
      port.post({ failed: String(error) } satisfies ThreadNews);
    }
  });
}

/** Lets everyone who waits at the block go, without an answer. */
export function release(memory: WebAssembly.Memory, sync: number): void {
  Atomics.store(new Int32Array(memory.buffer), (sync + Sync.failed) >> 2, 1);
  rouse(memory, sync);
}

/** Wakes everyone who sleeps at the block, to look for what comes. */
export function rouse(memory: WebAssembly.Memory, sync: number): void {
  const words = new Int32Array(memory.buffer);
  Atomics.add(words, (sync + Sync.event) >> 2, 1);
  Atomics.notify(words, (sync + Sync.event) >> 2);
}
