/**
 * Gathers rows of A for the GEMM tile: from a table of pointers, [block][tap][4], to blocks of 4 rows, [block][depth * taps][4].
 * Row r's piece t is `depth` contiguous elements at its pointer + offset. Done once for all panels.
 */
export function gatherRows(table: usize, blocks: i32, taps: i32, depth: i32, offset: usize, to: usize): void {
  const depth4 = depth & ~3;
  for (const end = table + (<usize>(blocks * taps) << 4); table < end; table += 16) {
    let a0 = <usize>load<u32>(table) + offset;
    let a1 = <usize>load<u32>(table, 4) + offset;
    let a2 = <usize>load<u32>(table, 8) + offset;
    let a3 = <usize>load<u32>(table, 12) + offset;
    for (const whole = to + (<usize>depth4 << 4); to < whole; to += 64) {
      interleave(v128.load(a0), v128.load(a1), v128.load(a2), v128.load(a3), to);
      a0 += 16;
      a1 += 16;
      a2 += 16;
      a3 += 16;
    }
    for (let left = depth - depth4; left > 0; left--) {
      store<f32>(to, load<f32>(a0));
      store<f32>(to, load<f32>(a1), 4);
      store<f32>(to, load<f32>(a2), 8);
      store<f32>(to, load<f32>(a3), 12);
      a0 += 4;
      a1 += 4;
      a2 += 4;
      a3 += 4;
      to += 16;
    }
  }
}

/** Stores the transpose of four rows of four. */
// @ts-ignore: decorator
@inline
function interleave(r0: v128, r1: v128, r2: v128, r3: v128, to: usize): void {
  const low01 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const high01 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const low23 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const high23 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(low01, low23, 0, 2));
  v128.store(to, i64x2.shuffle(low01, low23, 1, 3), 16);
  v128.store(to, i64x2.shuffle(high01, high23, 0, 2), 32);
  v128.store(to, i64x2.shuffle(high01, high23, 1, 3), 48);
}
