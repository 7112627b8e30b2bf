import { madd } from "../base/simd";

/**
 * Measures one core's peak rate: `rounds` times ten independent multiply-adds of four lanes (`PEAK_FLOPS`), in registers alone.
 * Returns a value that depends on all of them, so that none is optimised away.
 */
export function peak(rounds: i32): f32 {
  const a = f32x4.splat(<f32>rounds);
  // Not a constant: optimisers would rebuild it at each use.
  const b = f32x4.splat(1 / <f32>rounds);
  let s0 = a;
  let s1 = f32x4.add(s0, b);
  let s2 = f32x4.add(s1, b);
  let s3 = f32x4.add(s2, b);
  let s4 = f32x4.add(s3, b);
  let s5 = f32x4.add(s4, b);
  let s6 = f32x4.add(s5, b);
  let s7 = f32x4.add(s6, b);
  let s8 = f32x4.add(s7, b);
  let s9 = f32x4.add(s8, b);
  for (let round = 0; round < rounds; round++) {
    s0 = madd(a, b, s0);
    s1 = madd(a, b, s1);
    s2 = madd(a, b, s2);
    s3 = madd(a, b, s3);
    s4 = madd(a, b, s4);
    s5 = madd(a, b, s5);
    s6 = madd(a, b, s6);
    s7 = madd(a, b, s7);
    s8 = madd(a, b, s8);
    s9 = madd(a, b, s9);
  }
  const sum = f32x4.add(
    f32x4.add(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7))),
    f32x4.add(s8, s9),
  );
  return f32x4.extract_lane(sum, 0);
}
