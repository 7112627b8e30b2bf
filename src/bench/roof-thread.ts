import { PEAK_FLOPS } from "../../assembly/shared/sizes.js";
import { createMemory, instantiate, type Kernels } from "../cpu/module.js";
import type { WorkerPort } from "../worker/handle/handle.js";

export type RoofTask = { readonly module: WebAssembly.Module; readonly shared: boolean } | { readonly ms: number };
export type RoofNews = { readonly ready: true } | { readonly gflops: number } | { readonly failed: string };

const ROUNDS = 20_000;
/** More than a module's own data. */
const BYTES = 1 << 20;

/** A thread that multiplies in registers alone for as long as it is told to, and says how fast. */
export function serveRoof(port: WorkerPort): void {
  let kernels: Kernels | undefined;
  port.listen(async (task: RoofTask) => {
    try {
      if ("module" in task) {
        kernels = await instantiate(task.module, createMemory(BYTES, BYTES, task.shared));
        port.post({ ready: true } satisfies RoofNews);
        return;
      }
      const { peak } = kernels!;
      const start = performance.now();
      let rounds = 0;
      let elapsed = 0;
      do {
        peak(ROUNDS);
        rounds += ROUNDS;
        elapsed = performance.now() - start;
      } while (elapsed < task.ms);
      port.post({ gflops: (PEAK_FLOPS * rounds) / elapsed / 1e6 } satisfies RoofNews);
    } catch (error) {
      port.post({ failed: String(error) } satisfies RoofNews);
    }
  });
}
