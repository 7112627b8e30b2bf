/** Whether `width` sums a row go out as they are: nothing is added, floored, or missing. */
// @ts-ignore: decorator
@inline
export function isPlain(columns: i32, width: i32, residual: usize, least: f32): bool {
  return columns >= width && residual == 0 && least == -Infinity;
}

/** Eight sums as they are. */
// @ts-ignore: decorator
@inline
export function store8(c: usize, s0: v128, s1: v128): void {
  v128.store(c, s0);
  v128.store(c, s1, 16);
}

/** Sixteen sums as they are. */
// @ts-ignore: decorator
@inline
export function store16(c: usize, s0: v128, s1: v128, s2: v128, s3: v128): void {
  store8(c, s0, s1);
  store8(c + 32, s2, s3);
}

/** Stores four sums, plus the residual at `at` + residual bytes (0: none), floored. */
// @ts-ignore: decorator
@inline
export function put4(at: usize, residual: usize, sum: v128, floor: v128): void {
  v128.store(at, f32x4.pmax(residual ? f32x4.add(sum, v128.load(at + residual)) : sum, floor));
}

/** Stores eight sums, or the first `columns` of them, plus the residual at c + residual bytes (0: none), floored. */
// @ts-ignore: decorator
@inline
export function put8(c: usize, residual: usize, s0: v128, s1: v128, floor: v128, columns: i32): void {
  if (columns >= 8) {
    if (residual) {
      s0 = f32x4.add(s0, v128.load(c + residual));
      s1 = f32x4.add(s1, v128.load(c + residual, 16));
    }
    v128.store(c, f32x4.pmax(s0, floor));
    v128.store(c, f32x4.pmax(s1, floor), 16);
  } else putSome(c, residual, s0, s1, floor, columns);
}

/** As `put8`, sixteen sums. */
// @ts-ignore: decorator
@inline
export function put16(c: usize, residual: usize, s0: v128, s1: v128, s2: v128, s3: v128, floor: v128, columns: i32): void {
  if (columns >= 16) {
    if (residual) {
      s0 = f32x4.add(s0, v128.load(c + residual));
      s1 = f32x4.add(s1, v128.load(c + residual, 16));
      s2 = f32x4.add(s2, v128.load(c + residual, 32));
      s3 = f32x4.add(s3, v128.load(c + residual, 48));
    }
    v128.store(c, f32x4.pmax(s0, floor));
    v128.store(c, f32x4.pmax(s1, floor), 16);
    v128.store(c, f32x4.pmax(s2, floor), 32);
    v128.store(c, f32x4.pmax(s3, floor), 48);
  } else {
    put8(c, residual, s0, s1, floor, columns);
    putSome(c + 32, residual, s2, s3, floor, columns - 8);
  }
}

function putSome(c: usize, residual: usize, s0: v128, s1: v128, floor: v128, columns: i32): void {
  if (columns >= 4) {
    if (residual) s0 = f32x4.add(s0, v128.load(c + residual));
    v128.store(c, f32x4.pmax(s0, floor));
    storeLanes(c + 16, residual, s1, floor, columns - 4);
  } else storeLanes(c, residual, s0, floor, columns);
}

/** Stores the first `count` lanes, 0 to 3: a group whose channels are no multiple of four must not touch its neighbour's. */
export function storeLanes(c: usize, residual: usize, sum: v128, floor: v128, count: i32): void {
  for (let lane = 0; lane < count; lane++) {
    let value = sum;
    if (residual) value = f32x4.add(value, v128.load32_splat(c + residual));
    store<f32>(c, f32x4.extract_lane(f32x4.pmax(value, floor), 0));
    sum = i8x16.shuffle(sum, sum, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3);
    c += 4;
  }
}
