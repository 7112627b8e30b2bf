import { LINE } from "../shared/sizes";

/**
 * Software prefetch of weights. WebAssembly has no prefetch instruction, and a load that misses the caches soon stalls what follows.
 * A store does not: it waits in the store buffer. So each cache line's own first byte is stored back to it; no value changes.
 * This pays only where other stores are few: else the store buffer is full before the line has come.
 */

/** Of the present span, a run of cache lines, [next, end) is left. `spansLeft` counts it and later ones, `inRow` those of a row. */
let next: usize = 0;
let end: usize = 0;
let spansLeft: i32 = 0;
let inRow: i32 = 0;
let second: usize = 0;
let spanBytes: usize = 0;
let spanStep: usize = 0;
/** Added to a line's address in lines, this is where a copy of its first byte lies. */
let notes: usize = 0;
/** Lines a turn, in parts of `UNIT`, and the fraction of a line that is carried to the next turn. */
let rate: u32 = 0;
let owed: u32 = 0;
const UNIT: u32 = 1 << 10;

/** Copies the first byte of each cache line of [from, end) to `to`, one after the other. */
export function noteFirstBytes(from: usize, end: usize, to: usize): void {
  // Beside integers few weights are f32: none is asked for.
  if (QUANTIZED) return;
  for (; from < end; from += LINE) store<u8>(to++, load<u8>(from));
}

/**
 * Sets what is prefetched next, spread evenly over `turns` calls of `askForSome`. There are `rows` rows, at `a` and `b`. A row is `spans`
 * spans of `bytes` bytes, `step` apart; spans are whole cache lines. `noted` has the first bytes of the lines from `weights` on; with 0
 * nothing is prefetched. What remained of an earlier call is dropped.
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
  // Few weights are f32 beside integers.
  if (QUANTIZED) return;
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

/** One turn: a tile's block of rows has been multiplied. */
// @ts-ignore: decorator
@inline
export function askForSome(): void {
  if (!QUANTIZED && spansLeft) askForLines();
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
