import { Sync } from "./sync";

/**
 * How threads meet. They run the same program, take pieces of each operation from its counter, and wait for each other
 * after it.
 */

// Some 200 microseconds of spinning before a thread sleeps: more than the skew between threads, and a sleeper needs as long to wake.
const SPINS: i32 = 200_000;
// A thread that died without a word must not hang the others: 250 sleeps of 20 ms without news are its death. Sleeps are
// counted, not time, because a whole process may be suspended.
const SLEEP_NS: i64 = 20_000_000;
const SLEEPS: i32 = 250;

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
    let sleeps = SLEEPS;
    let pieces = -1;
    while (atomic.load<i32>(sync + Sync.generation) == generation) {
      if (atomic.load<i32>(sync + Sync.failed)) return false;
      if (--spins >= 0) continue;
      if (atomic.wait<i32>(sync + Sync.generation, generation, SLEEP_NS) != 2) continue;
      const taken = atomic.load<i32>(counter);
      if (taken != pieces) {
        pieces = taken;
        sleeps = SLEEPS;
      } else if (--sleeps == 0) {
        atomic.store<i32>(sync + Sync.failed, 1);
      }
    }
  }
  return atomic.load<i32>(sync + Sync.failed) == 0;
}
