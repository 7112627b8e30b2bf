import { Sync } from "../shared/sync";

/**
 * How threads share an operation's pieces. A ticket, one atomic word, says which pieces are free; a thread takes one by
 * compare-and-swap. Half of the threads take from the front, half from the back: so a core's cache already has its part of the image.
 * The thread that finishes the last piece announces the next operation. Nobody waits for a thread that holds no piece; one that
 * sleeps, or has lost its core, joins later wherever the others are.
 */

// Spin-waiting, some 150 microseconds, before a thread sleeps. Waking takes 50, and waits within a run are seldom longer.
const SPINS: i32 = 120_000;
// After a run threads spin for less: the caller, who waits for the answer, needs the core.
const SPINS_AFTER: i32 = 4_000;
// A thread that died with a piece in its hands must not hang the others: 250 sleeps of 20 ms without news are its death.
// Sleeps are counted, not time, because a whole process may be suspended.
const SLEEP_NS: i64 = 20_000_000;
const SLEEPS: i32 = 250;

/** Pieces of one operation: they are counted in sixteen bits. */
export const MOST_PIECES: i32 = 0xffff;

/**
 * Takes the first or the last free piece of the present operation, and returns the ticket as it was before. Its upper half is the
 * operation's number. Its lower half has the first free piece and the one after the last; equal numbers mean that none was free.
 */
export function take(sync: usize, last: bool): i64 {
  let ticket = atomic.load<i64>(sync + Sync.ticket);
  while (firstLeft(ticket) != endLeft(ticket)) {
    const seen = atomic.cmpxchg<i64>(sync + Sync.ticket, ticket, last ? ticket - 1 : ticket + 0x10000);
    if (seen == ticket) break;
    ticket = seen;
  }
  return ticket;
}

// @ts-ignore: decorator
@inline
export function firstLeft(ticket: i64): i32 {
  return (<i32>ticket >>> 16) & 0xffff;
}

// @ts-ignore: decorator
@inline
export function endLeft(ticket: i64): i32 {
  return <i32>ticket & 0xffff;
}

/** Counts a finished piece; true for the last of `pieces`. */
export function finish(sync: usize, pieces: i32): bool {
  if (atomic.add<i32>(sync + Sync.done, 1) != pieces - 1) return false;
  atomic.store<i32>(sync + Sync.done, 0);
  return true;
}

/** Offers the pieces of the next operation. Without pieces the run is over. */
export function announce(sync: usize, operation: i32, pieces: i32): void {
  atomic.store<i64>(sync + Sync.ticket, (<i64>operation << 32) | <i64>pieces);
  atomic.add<i32>(sync + Sync.event, 1);
  atomic.notify(sync + Sync.event, -1);
}

/** The number of the present operation. */
export function operation(sync: usize): i32 {
  return <i32>(atomic.load<i64>(sync + Sync.ticket) >> 32);
}

/** Waits until the operation is another than `present`. False if a thread died. `patient` threads have no time limit. */
export function awaitNext(sync: usize, present: i32, patient: bool): bool {
  // A run ends with an operation without pieces.
  const isOver = present + atomic.load<i32>(sync + Sync.offset) == atomic.load<i32>(sync + Sync.last);
  let spins = isOver ? SPINS_AFTER : SPINS;
  let sleeps = SLEEPS;
  let done = -1;
  while (true) {
    const event = atomic.load<i32>(sync + Sync.event);
    if (atomic.load<i32>(sync + Sync.failed)) return false;
    if (operation(sync) != present) return true;
    if (--spins >= 0) continue;
    if (atomic.wait<i32>(sync + Sync.event, event, patient ? -1 : SLEEP_NS) != 2) {
      // Something has happened, or is about to.
      spins = SPINS;
      continue;
    }
    const now = atomic.load<i32>(sync + Sync.done);
    if (now != done) {
      done = now;
      sleeps = SLEEPS;
    } else if (--sleeps == 0) {
      atomic.store<i32>(sync + Sync.failed, 1);
    }
  }
}
