/**
 * Gathers rows of bytes without a sign (im2col) and widens them to i16, in blocks of four: [block][pair][4][2]. Source: a table of
 * pointers, [block][tap][4]; each, plus `offset`, leads to `bytes` contiguous bytes, a multiple of four.
 */
export function gatherWide(table: usize, blocks: i32, taps: i32, bytes: i32, offset: usize, to: usize): void {
  for (const end = table + (<usize>(blocks * taps) << 4); table < end; table += 16) {
    let a0 = <usize>load<u32>(table) + offset;
    let a1 = <usize>load<u32>(table, 4) + offset;
    let a2 = <usize>load<u32>(table, 8) + offset;
    let a3 = <usize>load<u32>(table, 12) + offset;
    const whole = to + (<usize>(bytes & ~7) << 3);
    for (; to < whole; to += 64) {
      const r0 = v128.load8x8_u(a0);
      const r1 = v128.load8x8_u(a1);
      const r2 = v128.load8x8_u(a2);
      const r3 = v128.load8x8_u(a3);
      const low01 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
      const high01 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
      const low23 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
      const high23 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
      v128.store(to, i64x2.shuffle(low01, low23, 0, 2));
      v128.store(to, i64x2.shuffle(low01, low23, 1, 3), 16);
      v128.store(to, i64x2.shuffle(high01, high23, 0, 2), 32);
      v128.store(to, i64x2.shuffle(high01, high23, 1, 3), 48);
      a0 += 8;
      a1 += 8;
      a2 += 8;
      a3 += 8;
    }
    if (!(bytes & 4)) continue;
    // Four bytes are left: two pairs of each row.
    for (let pair: usize = 0; pair < 4; pair += 2, to += 16) {
      store<u32>(to, widened(a0 + pair));
      store<u32>(to, widened(a1 + pair), 4);
      store<u32>(to, widened(a2 + pair), 8);
      store<u32>(to, widened(a3 + pair), 12);
    }
  }
}

/** Two bytes as two i16. */
// @ts-ignore: decorator
@inline
function widened(at: usize): u32 {
  return <u32>load<u8>(at) | (<u32>load<u8>(at, 1) << 16);
}

/** Widens bytes to i16: `bytes` of them, a multiple of sixteen. */
export function widen(from: usize, bytes: i32, to: usize): void {
  for (const end = from + <usize>bytes; from < end; from += 16) {
    v128.store(to, v128.load8x8_s(from));
    v128.store(to, v128.load8x8_s(from, 8), 16);
    to += 32;
  }
}
