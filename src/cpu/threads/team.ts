import { Sync } from "../../../assembly/shared/sync.js";
import { WorkerError } from "../../errors.js";
import type { WorkerHandle } from "../../worker/handle/handle.js";
import type { Kernels } from "../module.js";
import type { Program } from "../program/program.js";
import type { StartThread } from "./choose-threads.js";
import { release, rouse, type ThreadNews, type ThreadTask } from "./thread.js";

/** A thread that has not come up by then is not waited for. */
const START_MS = 5000;
/** Nor is one that does not leave, beyond this: it was terminated, and cannot say so. */
const LEAVE_MS = 200;
/**
 * What a terminated worker is given to end. Where the one that started it is terminated meanwhile, Chromium can lose word of its
 * end, and keeps both, with their memory, for as long as the page lives.
 */
const END_MS = 150;

/**
 * The threads beside the engine's own. They share its memory, sleep between runs, and take pieces of every operation
 * inside of wasm (assembly/interpreter/threads.ts); the engine's thread waits there for the last piece, so it must be one that may.
 */
export class Team {
  /** Why it cannot run again; null while it can. */
  failed: string | null = null;

  private constructor(
    private readonly kernels: Kernels,
    private readonly program: Program,
    private readonly others: readonly WorkerHandle[],
    /** Settle when a thread has left, dead or alive. */
    private readonly left: readonly Promise<void>[],
  ) {}

  /** Throws `WorkerError` where a thread does not start. */
  static async start(
    module: WebAssembly.Module,
    kernels: Kernels,
    program: Program,
    threads: number,
    start: StartThread,
  ): Promise<Team> {
    const { recordsAt, scratchAt, scratchBytes, syncAt } = program;
    const others: WorkerHandle[] = [];
    const left: Promise<void>[] = [];
    const team = new Team(kernels, program, others, left);
    // Whatever a team that failed has left behind.
    new Int32Array(kernels.memory.buffer, syncAt, Sync.size >> 2).fill(0);
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no sign of life in ${START_MS / 1000} s`)), START_MS);
      });
      const starting = Array.from({ length: threads - 1 }, (_, index) => {
        const other = start();
        others.push(other);
        const ready = new Promise<void>((resolve, reject) => {
          const gone = new Promise<void>((leave) => {
            const end = (reason: string) => {
              team.failed ??= reason;
              reject(new Error(reason));
              leave();
            };
            other.listen((news: ThreadNews) => ("ready" in news ? resolve() : end(news.failed)), end);
          });
          left.push(gone);
        });
        other.post({
          module,
          memory: kernels.memory,
          program: recordsAt,
          scratch: scratchAt + (index + 1) * scratchBytes,
          sync: syncAt,
          last: (index + 1) & 1,
        } satisfies ThreadTask);
        return ready;
      });
      await Promise.race([Promise.all(starting), late]);
      return team;
    } catch (cause) {
      await team.disband();
      throw new WorkerError(`A thread could not be started: ${(cause as Error).message}.`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** A run is about to begin: threads wake while its input is written. */
  rouse(): void {
    rouse(this.kernels.memory, this.program.syncAt);
  }

  /** Runs records [begin, end) with everyone. Throws `WorkerError` where a thread died; then the team is of no more use. */
  run(begin: number, end: number): void {
    if (begin === end) return;
    const { recordsAt, scratchAt, syncAt } = this.program;
    let done = 0;
    try {
      done = this.kernels.runTogether(recordsAt, begin, end, scratchAt, syncAt);
      if (!done) this.failed ??= "another thread stopped";
    } catch (error) {
      this.failed = String(error);
      release(this.kernels.memory, syncAt);
    }
    if (this.failed) {
      throw new WorkerError(`A thread stopped during this request (${this.failed}); the next one starts anew.`);
    }
  }

  /** Lets the threads go; once it has settled none of them touches the memory any more. `endsNext`: see `ThreadSupport`. */
  async disband(endsNext = false): Promise<void> {
    this.failed ??= "closed";
    release(this.kernels.memory, this.program.syncAt);
    await Promise.race([Promise.all(this.left), new Promise((resolve) => setTimeout(resolve, LEAVE_MS))]);
    await Promise.all(this.others.map((other) => other.terminate()));
    if (endsNext && this.others.length > 0) await new Promise((resolve) => setTimeout(resolve, END_MS));
  }
}
