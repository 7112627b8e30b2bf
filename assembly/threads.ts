/**
 * How threads meet. They run the same program, take pieces of each operation from its counter, and wait for each other
 * after it. The words of a `sync` block, each on a cache line of its own:
 */
export enum Sync {
  /** Threads that have finished the present operation. */
  arrived = 0,
  /** Operations finished since the memory was made; a waiting thread watches it. */
  generation = 64,
  /** Set by a thread that died: everyone leaves. */
  failed = 128,
  /** Runs started; helpers sleep on it. */
  job = 192,
  /** First and last record of the run. */
  first = 256,
  last = 260,
  size = 320,
}

// About 50 microseconds of spinning before a thread sleeps: less than an operation, more than the skew between threads.
const SPINS: i32 = 4000;

/** Takes the next piece of the operation whose counter is at `counter`. */
// @ts-ignore: decorator
@inline
export function take(counter: usize): i32 {
  return atomic.add<i32>(counter, 1);
}

/** Waits until all `threads` are here; the last one resets `counter`. False where a thread died. */
export function meet(sync: usize, counter: usize, threads: i32): bool {
  const generation = atomic.load<i32>(sync + Sync.generation);
  if (atomic.add<i32>(sync + Sync.arrived, 1) == threads - 1) {
    atomic.store<i32>(counter, 0);
    atomic.store<i32>(sync + Sync.arrived, 0);
    atomic.add<i32>(sync + Sync.generation, 1);
    atomic.notify(sync + Sync.generation, -1);
  } else {
    let spins = SPINS;
    while (atomic.load<i32>(sync + Sync.generation) == generation) {
      if (atomic.load<i32>(sync + Sync.failed)) return false;
      // A bounded sleep: a thread that died without a word must not hang the others.
      if (--spins < 0) atomic.wait<i32>(sync + Sync.generation, generation, 20_000_000);
    }
  }
  return atomic.load<i32>(sync + Sync.failed) == 0;
}
