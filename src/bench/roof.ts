import { WorkerError } from "../errors.js";
import type { WorkerHandle } from "../worker/handle/handle.js";
import type { RoofNews, RoofTask } from "./roof-thread.js";

/** Long enough for threads to overlap whatever their messages take, short enough for one to fall between disturbances. */
const WINDOW_MS = 25;
const WINDOWS = 8;

/** What is told when a thread answers or ends. */
interface Thread {
  readonly handle: WorkerHandle;
  answer: (news: RoofNews) => void;
}

/**
 * The roof of so many threads on one module: multiply-adds that never leave their registers, on all threads at once. Cores that
 * share a multiplier, or clock lower together, have less than one core's roof times their number.
 */
export class Roof {
  #best = 0;

  private constructor(private readonly threads: readonly Thread[]) {}

  /** Throws `WorkerError` where a thread does not start. */
  static async open(
    module: WebAssembly.Module,
    {
      threads,
      shared,
      start,
    }: { readonly threads: number; readonly shared: boolean; readonly start: () => WorkerHandle },
  ): Promise<Roof> {
    const roof = new Roof(
      Array.from({ length: threads }, () => {
        const thread: Thread = { handle: start(), answer: () => {} };
        thread.handle.listen(
          (news: RoofNews) => thread.answer(news),
          (failed) => thread.answer({ failed }),
        );
        return thread;
      }),
    );
    try {
      await roof.#askAll({ module, shared });
      return roof;
    } catch (error) {
      roof.close();
      throw error;
    }
  }

  /** GFLOP/s of all threads together: the best of all that was measured, now and before. */
  async measure(): Promise<number> {
    for (let window = 0; window < WINDOWS; window++) {
      const told = await this.#askAll({ ms: WINDOW_MS });
      const sum = told.reduce((total, news) => total + ("gflops" in news ? news.gflops : 0), 0);
      this.#best = Math.max(this.#best, sum);
    }
    return this.#best;
  }

  close(): void {
    for (const { handle } of this.threads) handle.terminate();
  }

  #askAll(task: RoofTask): Promise<RoofNews[]> {
    const asked = this.threads.map(async (thread) => {
      thread.handle.hold(true);
      const news = await new Promise<RoofNews>((resolve) => {
        thread.answer = resolve;
        thread.handle.post(task);
      });
      thread.handle.hold(false);
      if ("failed" in news) throw new WorkerError(`The roof could not be measured: ${news.failed}.`);
      return news;
    });
    return Promise.all(asked);
  }
}
