import { LINE } from "./sizes";

/**
 * Weights that come from memory, asked for while others are multiplied: each of their cache lines is stored to, the byte that it
 * begins with. WebAssembly has no prefetch instruction, and a load that waits for memory soon holds up all that comes after it;
 * a store waits in a queue of its own. It pays where stores are few, or the queue is full before the line has come.
 *
 * What is stored is what is there, so that it does not matter when, or whether, it is.
 */

/** What is left of a span, the spans that are left with this one, of how many in a row, and where the second row begins. */
let next: usize = 0;
let end: usize = 0;
let spansLeft: i32 = 0;
let inRow: i32 = 0;
let second: usize = 0;
let spanBytes: usize = 0;
let spanStep: usize = 0;
/** Where a line's first byte is noted, less its address in lines. */
let notes: usize = 0;
/** Lines of a turn, and what is owed of the next one, in parts of `UNIT`. */
let rate: u32 = 0;
let owed: u32 = 0;
const UNIT: u32 = 1 << 10;

/** Notes the bytes that the cache lines of [from, end) begin with, one after the other, at `to`. */
export function noteFirstBytes(from: usize, end: usize, to: usize): void {
  for (; from < end; from += LINE) store<u8>(to++, load<u8>(from));
}

/**
 * What to ask for next, evenly in `turns` turns: `rows` rows, from `a` and `b` on, of `spans` spans of `bytes` bytes, `step` apart. The
 * first bytes of lines from `weights` on are noted at `noted`; 0: nothing is asked for. Spans are whole lines. What was not yet asked for
 * is forgotten.
 */
export function askFor(
  rows: i32,
  a: usize,
  b: usize,
  spans: i32,
  step: usize,
  bytes: usize,
  weights: usize,
  noted: usize,
  turns: i32,
): void {
  spansLeft = noted ? rows * spans : 0;
  inRow = spans;
  next = a;
  end = a + bytes;
  second = b;
  spanBytes = bytes;
  spanStep = step;
  notes = noted - weights / LINE;
  const units = ((<u64>spansLeft * <u64>bytes) / LINE) * UNIT;
  const parts = <u64>max(turns, 1);
  rate = <u32>((units + parts - 1) / parts);
  owed = UNIT - 1;
}

export function askForNoMore(): void {
  spansLeft = 0;
}

/** A turn. */
// @ts-ignore: decorator
@inline
export function askForSome(): void {
  if (spansLeft) askForLines();
}

function askForLines(): void {
  const bytes = notes;
  owed += rate;
  let count = owed / UNIT;
  owed %= UNIT;
  while (count && spansLeft) {
    let line = next;
    const stop = min(line + <usize>count * LINE, end);
    count -= <u32>((stop - line) / LINE);
    for (; line < stop; line += LINE) store<u8>(line, load<u8>(line / LINE + bytes));
    next = line;
    if (line < end) return;
    spansLeft--;
    next = spansLeft == inRow ? second : line - spanBytes + spanStep;
    end = next + spanBytes;
  }
}
