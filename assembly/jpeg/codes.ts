// Huffman codes of a JPEG (ITU-T T.81, annexes C and F). Bits lie at the upper end of a 64-bit word, the next one first.

import { LIMITS, LOOK, OFFSETS, SYMBOLS } from "../shared/jpeg";

const LONGEST: i32 = 16;
const MOST_DC: i32 = 15;

/**
 * A table from how a file has it: the number of codes of 1, 2 and so on to 16 bits, and the symbols. The caller has seen that there are as
 * many of these. False where there are more codes than numbers, or symbols that no such table may have.
 *
 * The entry of the next `LOOK` bits is 0 where their code is longer. Else its low byte has the bits that are done with, and the second
 * byte the symbol. Of a table for `ac` the upper half has the coefficient where that fits as well: its bits are done with then, and the
 * second byte has only the zeros before it.
 *
 * Longer codes of n bits are below `LIMITS`[n], which is 0 where there are none; their symbols are at the code plus `OFFSETS`[n].
 */
export function readCodes(source: usize, table: usize, isAc: bool): bool {
  for (let at: usize = 0; at < <usize>LIMITS; at += 16) v128.store(table + at, i64x2.splat(0));
  let code = 0;
  let known = 0;
  let symbols = source + LONGEST;
  for (let bits = 1; bits <= LONGEST; bits++, code <<= 1) {
    const count = <i32>load<u8>(source + bits - 1);
    store<i32>(table + LIMITS + (<usize>bits << 2), count > 0 ? code + count : 0);
    store<i32>(table + OFFSETS + (<usize>bits << 2), known - code);
    if (code + count > 1 << bits) return false;
    for (let index = 0; index < count; index++, code++, known++) {
      const symbol = <i32>load<u8>(symbols++);
      if (!isAc && symbol > MOST_DC) return false;
      store<u8>(table + SYMBOLS + <usize>known, symbol);
      if (bits <= LOOK) enter(table, code, bits, symbol, isAc);
    }
  }
  return true;
}

/** All entries that begin with a code. */
function enter(table: usize, code: i32, bits: i32, symbol: i32, isAc: bool): void {
  const free = LOOK - bits;
  const size = symbol & 15;
  let entry = table + (<usize>(code << free) << 2);
  for (let rest = 0; rest < 1 << free; rest++, entry += 4) {
    if (isAc && size > 0 && size <= free) {
      const value = coefficient(rest >> (free - size), size);
      store<i32>(entry, (value << 16) | ((symbol >> 4) << 8) | (bits + size));
    } else store<i32>(entry, (symbol << 8) | bits);
  }
}

/** The number that `size` bits stand for: those that begin with a 0 are negative. */
// @ts-ignore: decorator
@inline
export function coefficient(bits: i32, size: i32): i32 {
  return bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
}

/** As an entry: the symbol and its bits, of a code longer than `LOOK`; 0 where it is none. */
export function longCode(table: usize, bits: u64): i32 {
  for (let length = LOOK + 1; length <= LONGEST; length++) {
    const code = <i32>(bits >> <u64>(64 - length));
    const byLength = table + (<usize>length << 2);
    if (code < load<i32>(byLength + LIMITS)) {
      const at = code + load<i32>(byLength + OFFSETS);
      return (<i32>load<u8>(table + SYMBOLS + <usize>at) << 8) | length;
    }
  }
  return 0;
}
