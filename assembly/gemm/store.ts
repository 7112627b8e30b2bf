import { Field } from "../shared/record";
import { word } from "../base/words";

/** Marks "no residual". Real distances are multiples of 4 (0: the residual lies in C itself), so 1 is free. */
export const NO_RESIDUAL: usize = 1;

/** Bytes from a record's output to its residual. */
export function residualOf(record: usize): usize {
  const at = <usize>word(record, Field.residual);
  return at ? at - <usize>word(record, Field.output) : NO_RESIDUAL;
}

/** What stored values are bounded by: infinity but in the extended modules. */
let most = f32x4.splat(Infinity);

/** Bounds what is stored from now on. */
export function boundBy(value: f32): void {
  most = f32x4.splat(value);
}

/** A sum within its bounds. */
// @ts-ignore: decorator
@inline
function bounded(sum: v128, floor: v128): v128 {
  if (EXTENDED) return f32x4.pmin(f32x4.pmax(sum, floor), most);
  return f32x4.pmax(sum, floor);
}

/** Whether a row's `width` sums are stored as they are: no residual, no ReLU, no column missing. */
// @ts-ignore: decorator
@inline
export function isPlain(columns: i32, width: i32, residual: usize, least: f32): bool {
  return columns >= width && residual == NO_RESIDUAL && least == -Infinity;
}

/** Stores four sums plus the residual at `at` + residual bytes, clamped from below (ReLU). */
// @ts-ignore: decorator
@inline
export function put4(at: usize, residual: usize, sum: v128, floor: v128): void {
  v128.store(at, bounded(residual != NO_RESIDUAL ? f32x4.add(sum, v128.load(at + residual)) : sum, floor));
}

/** Stores eight sums, or the first `columns`, plus the residual at c + residual bytes, clamped from below (ReLU). */
// @ts-ignore: decorator
@inline
export function put8(c: usize, residual: usize, s0: v128, s1: v128, floor: v128, columns: i32): void {
  if (columns >= 8) {
    if (residual != NO_RESIDUAL) {
      s0 = f32x4.add(s0, v128.load(c + residual));
      s1 = f32x4.add(s1, v128.load(c + residual, 16));
    }
    v128.store(c, bounded(s0, floor));
    v128.store(c, bounded(s1, floor), 16);
  } else putSome(c, residual, s0, s1, floor, columns);
}

/** Stores two rows of eight sums, `step` bytes apart, or the first `rows` of them; `plain`: see `isPlain`. */
// @ts-ignore: decorator
@inline
function put2x8(
  c: usize,
  step: usize,
  rows: i32,
  residual: usize,
  s00: v128, s01: v128,
  s10: v128, s11: v128,
  floor: v128,
  columns: i32,
  plain: bool,
): void {
  if (rows < 2 || columns < 8) {
    putPart(c, step, rows, residual, s00, s01, s10, s11, floor, columns);
    return;
  }
  if (!plain) {
    if (residual != NO_RESIDUAL) {
      s00 = f32x4.add(s00, v128.load(c + residual));
      s01 = f32x4.add(s01, v128.load(c + residual, 16));
      s10 = f32x4.add(s10, v128.load(c + step + residual));
      s11 = f32x4.add(s11, v128.load(c + step + residual, 16));
    }
    s00 = bounded(s00, floor);
    s01 = bounded(s01, floor);
    s10 = bounded(s10, floor);
    s11 = bounded(s11, floor);
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c + step, s10);
  v128.store(c + step, s11, 16);
}

/** As `put2x8`, where a row or columns are missing. */
function putPart(
  c: usize,
  step: usize,
  rows: i32,
  residual: usize,
  s00: v128, s01: v128,
  s10: v128, s11: v128,
  floor: v128,
  columns: i32,
): void {
  if (rows > 0) put8(c, residual, s00, s01, floor, columns);
  if (rows > 1) put8(c + step, residual, s10, s11, floor, columns);
}

/** Stores a block of four rows of eight sums, `step` bytes apart, or the first `rows` of them; `plain`: see `isPlain`. */
// @ts-ignore: decorator
@inline
export function put4x8(
  c: usize,
  step: usize,
  rows: i32,
  residual: usize,
  s00: v128, s01: v128,
  s10: v128, s11: v128,
  s20: v128, s21: v128,
  s30: v128, s31: v128,
  floor: v128,
  columns: i32,
  plain: bool,
): void {
  put2x8(c, step, rows, residual, s00, s01, s10, s11, floor, columns, plain);
  put2x8(c + 2 * step, step, rows - 2, residual, s20, s21, s30, s31, floor, columns, plain);
}

/** Stores a block of six rows of eight sums, `step` bytes apart, or the first `rows` of them; `plain`: see `isPlain`. */
// @ts-ignore: decorator
@inline
export function put6x8(
  c: usize,
  step: usize,
  rows: i32,
  residual: usize,
  s00: v128, s01: v128,
  s10: v128, s11: v128,
  s20: v128, s21: v128,
  s30: v128, s31: v128,
  s40: v128, s41: v128,
  s50: v128, s51: v128,
  floor: v128,
  columns: i32,
  plain: bool,
): void {
  put2x8(c, step, rows, residual, s00, s01, s10, s11, floor, columns, plain);
  put2x8(c + 2 * step, step, rows - 2, residual, s20, s21, s30, s31, floor, columns, plain);
  put2x8(c + 4 * step, step, rows - 4, residual, s40, s41, s50, s51, floor, columns, plain);
}

/** Stores a block of four rows of sixteen sums, `step` bytes apart, or the first `rows` of them; `plain`: see `isPlain`. */
// @ts-ignore: decorator
@inline
export function put4x16(
  c: usize,
  step: usize,
  rows: i32,
  residual: usize,
  s00: v128, s01: v128, s02: v128, s03: v128,
  s10: v128, s11: v128, s12: v128, s13: v128,
  s20: v128, s21: v128, s22: v128, s23: v128,
  s30: v128, s31: v128, s32: v128, s33: v128,
  floor: v128,
  columns: i32,
  plain: bool,
): void {
  put2x8(c, step, rows, residual, s00, s01, s10, s11, floor, columns, plain);
  put2x8(c + 2 * step, step, rows - 2, residual, s20, s21, s30, s31, floor, columns, plain);
  put2x8(c + 32, step, rows, residual, s02, s03, s12, s13, floor, columns - 8, plain);
  put2x8(c + 2 * step + 32, step, rows - 2, residual, s22, s23, s32, s33, floor, columns - 8, plain);
}

/** Stores a block of six rows of sixteen sums, `step` bytes apart, or the first `rows` of them; `plain`: see `isPlain`. */
// @ts-ignore: decorator
@inline
export function put6x16(
  c: usize,
  step: usize,
  rows: i32,
  residual: usize,
  s00: v128, s01: v128, s02: v128, s03: v128,
  s10: v128, s11: v128, s12: v128, s13: v128,
  s20: v128, s21: v128, s22: v128, s23: v128,
  s30: v128, s31: v128, s32: v128, s33: v128,
  s40: v128, s41: v128, s42: v128, s43: v128,
  s50: v128, s51: v128, s52: v128, s53: v128,
  floor: v128,
  columns: i32,
  plain: bool,
): void {
  put2x8(c, step, rows, residual, s00, s01, s10, s11, floor, columns, plain);
  put2x8(c + 2 * step, step, rows - 2, residual, s20, s21, s30, s31, floor, columns, plain);
  put2x8(c + 4 * step, step, rows - 4, residual, s40, s41, s50, s51, floor, columns, plain);
  put2x8(c + 32, step, rows, residual, s02, s03, s12, s13, floor, columns - 8, plain);
  put2x8(c + 2 * step + 32, step, rows - 2, residual, s22, s23, s32, s33, floor, columns - 8, plain);
  put2x8(c + 4 * step + 32, step, rows - 4, residual, s42, s43, s52, s53, floor, columns - 8, plain);
}

function putSome(c: usize, residual: usize, s0: v128, s1: v128, floor: v128, columns: i32): void {
  if (columns >= 4) {
    if (residual != NO_RESIDUAL) s0 = f32x4.add(s0, v128.load(c + residual));
    v128.store(c, bounded(s0, floor));
    storeLanes(c + 16, residual, s1, floor, columns - 4);
  } else storeLanes(c, residual, s0, floor, columns);
}

/** Stores the first `count` lanes, 0 to 3: a group whose channels are no multiple of four must not touch its neighbour's. */
export function storeLanes(c: usize, residual: usize, sum: v128, floor: v128, count: i32): void {
  for (let lane = 0; lane < count; lane++) {
    let value = sum;
    if (residual != NO_RESIDUAL) value = f32x4.add(value, v128.load32_splat(c + residual));
    store<f32>(c, f32x4.extract_lane(bounded(value, floor), 0));
    sum = i8x16.shuffle(sum, sum, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3);
    c += 4;
  }
}
