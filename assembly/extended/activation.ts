import { exp4, exp64, ln64, mish4, sigmoid4, silu4, softplus64, tanh4 } from "./exponent";
import { ActivationField, Finish, FinishField } from "../shared/extended";
import { smooth as plainSmooth } from "../pointwise/activation";
import { Field, Kernel } from "../shared/record";
import { madd } from "../base/simd";
import { word } from "../base/words";

/** Elementwise functions, one piece a row. Padding lanes are cleared where a zero does not stay one. */
export function f32_activation_any(record: usize, y: i32): void {
  const pixelBytes = <usize>word(record, Field.inStep) << 2;
  const bytes = <usize>word(record, Field.inWidth) * pixelBytes;
  const kind = word(record, ActivationField.operation);
  const from = <usize>word(record, Field.input) + <usize>y * bytes;
  const to = <usize>word(record, Field.output) + <usize>y * bytes;
  if (kind == Finish.prelu) {
    prelu(from, to, bytes, pixelBytes, <usize>word(record, Field.weights));
    return;
  }
  const alpha = reinterpret<f32>(word(record, ActivationField.alpha));
  activate(kind, from, to, bytes, alpha, reinterpret<f32>(word(record, ActivationField.beta)));
  clearPadding(to, bytes, pixelBytes, word(record, ActivationField.channels));
}

/** Zeros in the lanes behind each pixel's channels. */
export function clearPadding(at: usize, bytes: usize, pixelBytes: usize, channels: i32): void {
  const lanes = channels & 3;
  if (!lanes) return;
  const mask = maskOf(lanes);
  for (const end = at + bytes; at < end; at += pixelBytes) {
    const last = at + pixelBytes - 16;
    v128.store(last, v128.and(v128.load(last), mask));
  }
}

const MASKS = EXTENDED ? memory.data<i32>([-1, -1, -1, 0, 0, 0]) : 0;

/** All ones in the first lanes, 1 to 3 of them. */
export function maskOf(lanes: i32): v128 {
  return v128.load(MASKS + (<usize>(3 - lanes) << 2));
}

/** Below zero times its channel's slope. */
function prelu(from: usize, to: usize, bytes: usize, pixelBytes: usize, slopes: usize): void {
  const zero = f32x4.splat(0);
  for (const end = from + bytes; from < end; ) {
    for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
      const x = v128.load(from);
      v128.store(to, v128.bitselect(f32x4.mul(x, v128.load(slopes + channel)), x, f32x4.lt(x, zero)));
      from += 16;
      to += 16;
    }
  }
}

/** What a record's `relu` says of bounds, over `bytes` bytes. */
export function bound(record: usize, at: usize, bytes: usize): void {
  const kind = word(record, Field.relu);
  if (kind != Finish.relu && kind != Finish.clipAbove) return;
  activate(Finish.clip, at, at, bytes, 0, mostOf(record));
}

/** The highest value that a record's `relu` lets pass. */
// @ts-ignore: decorator
@inline
export function mostOf(record: usize): f32 {
  if (word(record, Field.relu) != Finish.clipAbove) return Infinity;
  return reinterpret<f32>(word(record, FinishField.parameter));
}

/** What a record's `relu` says beyond a bound: over `rows` rows of `bytes` bytes, `step` bytes apart, that were just stored. */
export function finish(record: usize, at: usize, rows: i32, step: usize, bytes: usize): void {
  const kind = word(record, Field.relu);
  if (kind <= Finish.clipAbove) return;
  const parameter = reinterpret<f32>(word(record, FinishField.parameter));
  if (bytes == step) {
    activate(kind, at, at, bytes * <usize>rows, parameter, 0.5);
    return;
  }
  for (let row = 0; row < rows; row++, at += step) activate(kind, at, at, bytes, parameter, 0.5);
}

/** One of `Finish` over `bytes` bytes, a multiple of 16. What goes in f64 does so because f32 would lose digits far from zero. */
export function activate(kind: i32, from: usize, to: usize, bytes: usize, alpha: f32, beta: f32): void {
  const a = f32x4.splat(alpha);
  const b = f32x4.splat(beta);
  const end = from + bytes;
  // The commonest have loops of their own, called block by block: an engine takes optimised code up at a call.
  if (kind == Finish.silu) {
    for (; from < end; from += BLOCK, to += BLOCK) silu(from, to, min(end - from, BLOCK));
    return;
  }
  if (kind == Finish.hardSwish) {
    for (; from < end; from += BLOCK, to += BLOCK) hardSwish(from, to, min(end - from, BLOCK));
    return;
  }
  for (; from < end; from += 16, to += 16) {
    const x = v128.load(from);
    let value: v128;
    if (kind >= Finish.elu) {
      const low = smooth(kind, f64x2.promote_low_f32x4(x), <f64>alpha, <f64>beta);
      const high = smooth(kind, f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 0)), <f64>alpha, <f64>beta);
      value = i64x2.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
    } else value = ofFour(kind, x, a, b);
    v128.store(to, value);
  }
}

/** Bytes of a block. */
const BLOCK: usize = 4096;

function silu(from: usize, to: usize, bytes: usize): void {
  for (const end = from + bytes; from < end; from += 16, to += 16) v128.store(to, silu4(v128.load(from)));
}

function hardSwish(from: usize, to: usize, bytes: usize): void {
  const zero = f32x4.splat(0);
  // x + 3 is exact where it is next to nothing.
  const three = f32x4.splat(3);
  const six = f32x4.splat(6);
  const sixth = f32x4.splat(1.0 / 6);
  for (const end = from + bytes; from < end; from += 16, to += 16) {
    const x = v128.load(from);
    v128.store(to, f32x4.mul(x, f32x4.mul(f32x4.pmin(f32x4.pmax(f32x4.add(x, three), zero), six), sixth)));
  }
}

function ofFour(kind: i32, x: v128, a: v128, b: v128): v128 {
  const zero = f32x4.splat(0);
  switch (kind) {
    case Finish.leakyRelu:
      return v128.bitselect(f32x4.mul(x, a), x, f32x4.lt(x, zero));
    case Finish.clip:
      return f32x4.pmin(f32x4.pmax(x, a), b);
    case Finish.sigmoid:
      return sigmoid4(x);
    case Finish.hardSigmoid:
      return f32x4.pmin(f32x4.pmax(madd(x, a, b), zero), f32x4.splat(1));
    case Finish.mish:
      return mish4(x);
    case Finish.tanh:
      return tanh4(x);
    case Finish.exp:
      return exp4(x);
    case Finish.sqrt:
      return f32x4.sqrt(x);
    case Finish.reciprocal:
      return f32x4.div(f32x4.splat(1), x);
    case Finish.absolute:
      return f32x4.abs(x);
    case Finish.quantize:
      return quantize(x, a, b, 0, 255);
    case Finish.quantizeSigned:
      return quantize(x, a, b, -128, 127);
    default:
      unreachable();
      return x;
  }
}

/** The nearest of a (q - b), q whole from `least` to `most`; ties to even. */
// @ts-ignore: decorator
@inline
function quantize(x: v128, a: v128, b: v128, least: f32, most: f32): v128 {
  const q = f32x4.add(f32x4.nearest(f32x4.div(x, a)), b);
  return f32x4.mul(a, f32x4.sub(f32x4.pmin(f32x4.pmax(q, f32x4.splat(least)), f32x4.splat(most)), b));
}

/** Of two values in f64. */
function smooth(kind: i32, x: v128, alpha: f64, beta: f64): v128 {
  const one = f64x2.splat(1);
  switch (kind) {
    case Finish.elu:
    case Finish.selu: {
      // So close to zero e^x - 1 is x.
      const least = f64x2.lt(x, f64x2.splat(-1e-6));
      const below = f64x2.mul(v128.bitselect(f64x2.sub(exp64(x), one), x, least), f64x2.splat(alpha));
      const value = v128.bitselect(below, x, f64x2.lt(x, f64x2.splat(0)));
      return kind == Finish.selu ? f64x2.mul(value, f64x2.splat(beta)) : value;
    }
    case Finish.gelu:
      return plainSmooth(x, Kernel.gelu);
    case Finish.geluTanh: {
      // (1 + tanh(z)) / 2 is 1 / (1 + e^(-2 z)), z = sqrt(2 / pi) (x + 0.044715 x^3).
      const cube = f64x2.mul(f64x2.mul(x, x), x);
      const z = f64x2.add(x, f64x2.mul(cube, f64x2.splat(0.044715)));
      return f64x2.div(x, f64x2.add(one, exp64(f64x2.mul(z, f64x2.splat(-1.5957691216057308)))));
    }
    case Finish.softplus:
      return softplus64(x);
    case Finish.erf:
      return erf(x);
    case Finish.log:
      return ln64(x);
    default:
      unreachable();
      return x;
  }
}

/** By its series where it is small, else by what is left to 1. */
function erf(x: v128): v128 {
  const square = f64x2.mul(x, x);
  // 2 / sqrt(pi) times (-1)^n / (n! (2 n + 1)), n = 7 down to 0.
  let sum = f64x2.splat(-1.4925650358406252e-5);
  sum = f64x2.add(f64x2.mul(sum, square), f64x2.splat(1.2055332981789664e-4));
  sum = f64x2.add(f64x2.mul(sum, square), f64x2.splat(-8.548327023450852e-4));
  sum = f64x2.add(f64x2.mul(sum, square), f64x2.splat(5.2239776254421872e-3));
  sum = f64x2.add(f64x2.mul(sum, square), f64x2.splat(-2.6866170645131252e-2));
  sum = f64x2.add(f64x2.mul(sum, square), f64x2.splat(0.11283791670955126));
  sum = f64x2.add(f64x2.mul(sum, square), f64x2.splat(-0.37612638903183754));
  sum = f64x2.mul(f64x2.add(f64x2.mul(sum, square), f64x2.splat(1.1283791670955126)), x);
  // GELU of w below zero is w erfc(-w / sqrt 2) / 2.
  const w = f64x2.mul(f64x2.abs(x), f64x2.splat(-Math.SQRT2));
  const half = f64x2.div(plainSmooth(w, Kernel.gelu), w);
  const far = v128.bitselect(x, f64x2.sub(f64x2.splat(1), f64x2.add(half, half)), f64x2.splat(-0.0));
  return v128.bitselect(sum, far, f64x2.lt(f64x2.abs(x), f64x2.splat(0.7)));
}
