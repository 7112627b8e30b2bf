import { Sync } from "./sync";

/**
 * How threads share an operation's pieces. Each takes one with a ticket, half of the threads from the front and half from
 * the back, so that a core finds in its cache the part of the image that it made before; who finishes the last one announces
 * the next operation. Nobody waits for a thread that has taken nothing: one that sleeps, or whose core is needed elsewhere,
 * costs no more than its help, and joins wherever the others are by then.
 */

// Some 150 microseconds of looking before a thread sleeps: to wake again takes it 50, and in a run it seldom waits for longer.
const SPINS: i32 = 120_000;
// Once a run is over, whoever waits for its answer needs a core sooner than the next one begins.
const SPINS_AFTER: i32 = 4_000;
// A thread that died with a piece in its hands must not hang the others: 250 sleeps of 20 ms without news are its death.
// Sleeps are counted, not time, because a whole process may be suspended.
const SLEEP_NS: i64 = 20_000_000;
const SLEEPS: i32 = 250;

/** Pieces of one operation: they are counted in sixteen bits. */
export const MOST_PIECES: i32 = 0xffff;

/**
 * Takes a piece of the present operation, the first or the last that is left, and returns the ticket as it was: the
 * operation's number in the upper half, then the first piece that nobody has taken, and the one after the last; equal: none.
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
  // Of a run, its last operation is followed by one without pieces.
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
