import { Sync } from "./sync";

/**
 * How threads share an operation's pieces. Each takes the next one with a ticket; who finishes the last one announces the
 * next operation. Nobody waits for a thread that has taken nothing: one that sleeps, or whose core is needed elsewhere,
 * costs no more than its help, and joins wherever the others are by then.
 */

// Some 50 microseconds of looking before a thread sleeps: about what it needs to wake again.
const SPINS: i32 = 40_000;
// A thread that died with a piece in its hands must not hang the others: 250 sleeps of 20 ms without news are its death.
// Sleeps are counted, not time, because a whole process may be suspended.
const SLEEP_NS: i64 = 20_000_000;
const SLEEPS: i32 = 250;

/** Takes a piece of the present operation. The ticket as it was: its number, and pieces left with this one; 0 is none. */
export function take(sync: usize): i64 {
  let ticket = atomic.load<i64>(sync + Sync.ticket);
  while (<i32>ticket) {
    const seen = atomic.cmpxchg<i64>(sync + Sync.ticket, ticket, ticket - 1);
    if (seen == ticket) break;
    ticket = seen;
  }
  return ticket;
}

/** Says that a piece is done, of `pieces`; true for the last one. */
export function finish(sync: usize, pieces: i32): bool {
  if (atomic.add<i32>(sync + Sync.done, 1) != pieces - 1) return false;
  atomic.store<i32>(sync + Sync.done, 0);
  return true;
}

/** Lays out the pieces of the next operation; no pieces: the run is over. */
export function announce(sync: usize, operation: i32, pieces: i32): void {
  atomic.store<i64>(sync + Sync.ticket, (<i64>operation << 32) | <i64>pieces);
  atomic.add<i32>(sync + Sync.event, 1);
  atomic.notify(sync + Sync.event, -1);
}

/** The number of the present operation. */
export function operation(sync: usize): i32 {
  return <i32>(atomic.load<i64>(sync + Sync.ticket) >> 32);
}

/** Waits for another operation than `present`. False where a thread died; `patient` threads wait for ever. */
export function awaitNext(sync: usize, present: i32, patient: bool): bool {
  let spins = SPINS;
  let sleeps = SLEEPS;
  let done = -1;
  while (true) {
    const event = atomic.load<i32>(sync + Sync.event);
    if (atomic.load<i32>(sync + Sync.failed)) return false;
    if (operation(sync) != present) return true;
    if (--spins >= 0) continue;
    if (atomic.wait<i32>(sync + Sync.event, event, patient ? -1 : SLEEP_NS) != 2) continue;
    const now = atomic.load<i32>(sync + Sync.done);
    if (now != done) {
      done = now;
      sleeps = SLEEPS;
    } else if (--sleeps == 0) {
      atomic.store<i32>(sync + Sync.failed, 1);
    }
  }
}
