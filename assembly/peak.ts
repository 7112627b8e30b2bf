import { madd } from "./simd";

/**
 * The roof of one core: `rounds` times ten independent multiply-adds of four lanes (80 FLOPs) that never leave their
 * registers. Returns a value that depends on all of them.
 */
export function peak(rounds: i32): f32 {
  const a = f32x4.splat(<f32>rounds);
  const b = f32x4.splat(0.999);
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
    s0 = madd(s0, b, a);
    s1 = madd(s1, b, a);
    s2 = madd(s2, b, a);
    s3 = madd(s3, b, a);
    s4 = madd(s4, b, a);
    s5 = madd(s5, b, a);
    s6 = madd(s6, b, a);
    s7 = madd(s7, b, a);
    s8 = madd(s8, b, a);
    s9 = madd(s9, b, a);
  }
  const sum = f32x4.add(
    f32x4.add(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7))),
    f32x4.add(s8, s9),
  );
  return f32x4.extract_lane(sum, 0);
}
