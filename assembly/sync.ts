/**
 * The words of the block at which threads meet, each on a cache line of its own: byte offsets, shared by the interpreter
 * (AssemblyScript) and whoever starts the threads (TypeScript).
 */
export enum Sync {
  /** Threads that have finished the present operation. */
  arrived = 0,
  /** Operations finished since the memory was made; a waiting thread watches it. */
  generation = 64,
  /** Set by a thread that died: everyone leaves. */
  failed = 128,
  /** Runs started; the other threads sleep on it. */
  job = 192,
  /** First and last record of the run. */
  first = 256,
  last = 260,
  size = 320,
}
