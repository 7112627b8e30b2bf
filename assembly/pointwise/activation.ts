import { Field, Kernel, PointwiseField } from "../shared/record";
import { word } from "../base/words";

/**
 * Activations other than ReLU, one piece of work a row. Those with an exponential are computed in f64: of an f32 one, the last bits
 * of x^2 / 2 alone would cost a GELU five digits far below zero. Zero stays zero, so that padding does.
 */
export function f32_activation(record: usize, y: i32): void {
  const kernel = word(record, Field.kernel);
  const bytes = (<usize>word(record, Field.inWidth) * <usize>word(record, Field.inStep)) << 2;
  const slope = v128.load32_splat(record + (<usize>PointwiseField.scalar << 2));
  const zero = f32x4.splat(0);
  let from = <usize>word(record, Field.input) + <usize>y * bytes;
  let to = <usize>word(record, Field.output) + <usize>y * bytes;
  for (const end = from + bytes; from < end; from += 16) {
    const x = v128.load(from);
    let value: v128;
    if (kernel == Kernel.leakyRelu) {
      value = v128.bitselect(f32x4.mul(x, slope), x, f32x4.lt(x, zero));
    } else if (kernel == Kernel.relu6) {
      value = f32x4.pmin(f32x4.pmax(x, zero), f32x4.splat(6));
    } else {
      const low = smooth(f64x2.promote_low_f32x4(x), kernel);
      const high = smooth(f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 0)), kernel);
      value = i64x2.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
    }
    v128.store(to, value);
    to += 16;
  }
}

export const LOG2E: f64 = 1.4426950408889634;

/**
 * Of erfc(w) exp(w^2) / 2 in t = 1 / (1 + 0.33 w), from t^8 down to t: our own minimax fit for w from 0 to 10.5, right within
 * 1.2e-7 of its value.
 */
const ERFC = memory.data<f64>([
  -0.06723662, 0.22828639, -0.17237519, 0.20124517, 0.02524517, 0.10009766, 0.09156443, 0.093172915,
]);

/** SiLU, GELU or ELU of two values. */
export function smooth(x: v128, kernel: i32): v128 {
  const one = f64x2.splat(1);
  if (kernel == Kernel.silu) return f64x2.div(x, f64x2.add(one, exp2(f64x2.mul(x, f64x2.splat(-LOG2E)))));
  const below = f64x2.lt(x, f64x2.splat(0));
  if (kernel == Kernel.elu) {
    const least = f64x2.lt(x, f64x2.splat(-1e-6));
    return v128.bitselect(f64x2.sub(exp2(f64x2.mul(x, f64x2.splat(LOG2E))), one), x, least);
  }
  const power = exp2(f64x2.mul(f64x2.mul(x, x), f64x2.splat(-LOG2E / 2)));
  const t = f64x2.div(one, f64x2.add(one, f64x2.mul(f64x2.abs(x), f64x2.splat(0.33 * Math.SQRT1_2))));
  let half = f64x2.splat(0);
  for (let at: usize = 0; at < 64; at += 8) half = f64x2.mul(f64x2.add(half, v128.load64_splat(ERFC + at)), t);
  half = f64x2.mul(half, power);
  return f64x2.mul(x, v128.bitselect(half, f64x2.sub(one, half), below));
}

/** (ln 2)^n / n! for n = 7 down to 2, and for 1. */
const SERIES = memory.data<f64>([
  1.5252733804059841e-5, 1.5403530393381608e-4, 1.3333558146428443e-3, 9.618129107628477e-3, 5.5504108664821576e-2,
  0.24022650695910072, 0.6931471805599453,
]);

/** 2^x of two values, right within 6e-9 of it: the whole part goes into the exponent, of the rest the series is summed. */
export function exp2(x: v128): v128 {
  x = f64x2.pmin(f64x2.pmax(x, f64x2.splat(-1000)), f64x2.splat(1000));
  // Added to this, a number below 2^51 is rounded to a whole one, which is then in the lowest bits, with the exponent's bias.
  const magic = f64x2.splat(6755399441055744 + 1023);
  const rounded = f64x2.add(x, magic);
  const rest = f64x2.sub(x, f64x2.sub(rounded, magic));
  let sum = f64x2.mul(rest, v128.load64_splat(SERIES));
  sum = f64x2.mul(rest, f64x2.add(sum, v128.load64_splat(SERIES, 8)));
  sum = f64x2.mul(rest, f64x2.add(sum, v128.load64_splat(SERIES, 16)));
  sum = f64x2.mul(rest, f64x2.add(sum, v128.load64_splat(SERIES, 24)));
  sum = f64x2.mul(rest, f64x2.add(sum, v128.load64_splat(SERIES, 32)));
  sum = f64x2.mul(rest, f64x2.add(sum, v128.load64_splat(SERIES, 40)));
  sum = f64x2.mul(rest, f64x2.add(sum, v128.load64_splat(SERIES, 48)));
  return f64x2.mul(f64x2.add(sum, f64x2.splat(1)), i64x2.shl(rounded, 52));
}
