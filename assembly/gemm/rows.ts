/**
 * Gathers rows of A (im2col), once for all panels. Source: a table of pointers, [block][tap][height]; each, plus `offset`, leads to
 * `depth` contiguous elements. Target: blocks of `height` rows (4, 6 or 1), [block][depth * taps][height].
 */
export function gatherRows(
  table: usize,
  height: i32,
  blocks: i32,
  taps: i32,
  depth: i32,
  offset: usize,
  to: usize,
): void {
  const depth4 = depth & ~3;
  const pointers = <usize>height << 2;
  for (const end = table + <usize>(blocks * taps) * pointers; table < end; table += pointers) {
    let a0 = <usize>load<u32>(table) + offset;
    if (height == 1) {
      memory.copy(to, a0, <usize>depth << 2);
      to += <usize>depth << 2;
      continue;
    }
    let a1 = <usize>load<u32>(table, 4) + offset;
    let a2 = <usize>load<u32>(table, 8) + offset;
    let a3 = <usize>load<u32>(table, 12) + offset;
    let a4: usize = 0;
    let a5: usize = 0;
    if (height == 6) {
      a4 = <usize>load<u32>(table, 16) + offset;
      a5 = <usize>load<u32>(table, 20) + offset;
      for (const whole = to + <usize>depth4 * 24; to < whole; to += 96) {
        interleave4(a0, a1, a2, a3, to, 24);
        const low = i32x4.shuffle(v128.load(a4), v128.load(a5), 0, 4, 1, 5);
        const high = i32x4.shuffle(v128.load(a4), v128.load(a5), 2, 6, 3, 7);
        v128.store64_lane(to, low, 0, 16);
        v128.store64_lane(to, low, 1, 40);
        v128.store64_lane(to, high, 0, 64);
        v128.store64_lane(to, high, 1, 88);
        a0 += 16;
        a1 += 16;
        a2 += 16;
        a3 += 16;
        a4 += 16;
        a5 += 16;
      }
    } else {
      for (const whole = to + (<usize>depth4 << 4); to < whole; to += 64) {
        interleave4(a0, a1, a2, a3, to, 16);
        a0 += 16;
        a1 += 16;
        a2 += 16;
        a3 += 16;
      }
    }
    for (let left = depth - depth4; left > 0; left--) {
      store<f32>(to, load<f32>(a0));
      store<f32>(to, load<f32>(a1), 4);
      store<f32>(to, load<f32>(a2), 8);
      store<f32>(to, load<f32>(a3), 12);
      if (height == 6) {
        store<f32>(to, load<f32>(a4), 16);
        store<f32>(to, load<f32>(a5), 20);
        a4 += 4;
        a5 += 4;
      }
      a0 += 4;
      a1 += 4;
      a2 += 4;
      a3 += 4;
      to += pointers;
    }
  }
}

/** The transpose of four rows of four, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function interleave4(a0: usize, a1: usize, a2: usize, a3: usize, to: usize, step: usize): void {
  const r0 = v128.load(a0);
  const r1 = v128.load(a1);
  const r2 = v128.load(a2);
  const r3 = v128.load(a3);
  const low01 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const high01 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const low23 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const high23 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(low01, low23, 0, 2));
  v128.store(to + step, i64x2.shuffle(low01, low23, 1, 3));
  v128.store(to + 2 * step, i64x2.shuffle(high01, high23, 0, 2));
  v128.store(to + 3 * step, i64x2.shuffle(high01, high23, 1, 3));
}
