import { Finish } from "../shared/extended";

// Loaded, not constant: optimisers rebuild a constant vector at each use, and keep a loaded one in its register.
export const FOUR = memory.data<f32>([4]);
export const HALF = memory.data<f32>([0.5]);

/** a * b + c on four lanes; one rounding in the relaxed module on hardware with FMA, two in the baseline. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c - a * b on four lanes. */
// @ts-ignore: decorator
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  return f32x4.sub(c, f32x4.mul(a, b));
}

/** The lower bound of stored values: 0 with a ReLU, else minus infinity. `pmax` keeps a NaN in its first operand. */
// @ts-ignore: decorator
@inline
export function leastOf(relu: i32): f32 {
  if (EXTENDED) return relu == Finish.relu || relu == Finish.clipAbove ? <f32>0 : -Infinity;
  return relu ? <f32>0 : -Infinity;
}
