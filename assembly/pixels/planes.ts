// Rows of a JPEG's planes to RGB, with the bytes of libjpeg: chroma of half the pixels is spread by its triangle filter ("fancy
// upsampling"), and colours are converted with factors in units of 2^-16 (jdsample.c and jdcolor.c have both).

/** A factor f is parted into a whole number and a rest that fits 16 bits, in units of 2^-16. */
const RED_OF_CR: i16 = 26345; // 1.402 - 1
const GREEN_OF_CB: i16 = -22554; // -0.34414
const GREEN_OF_CR: i16 = 18734; // -0.71414 + 1
const BLUE_OF_CB: i16 = -14942; // 1.772 - 2
const FACTOR_BITS: i32 = 16;
const HALF: i32 = 1 << 15;

/** Bytes kept free before and after each gathered row of chroma: its ends are repeated there, and vectors overrun it. */
const MARGIN: usize = 16;

// @ts-ignore: decorator
@inline
function rounded(pairs: v128, factors: v128): v128 {
  return i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(pairs, factors), i32x4.splat(HALF)), FACTOR_BITS);
}

/** (cb, cr) of eight pixels by a pair of factors, rounded. */
// @ts-ignore: decorator
@inline
function weighed(low: v128, high: v128, factors: v128): v128 {
  return i16x8.narrow_i32x4_s(rounded(low, factors), rounded(high, factors));
}

/** Eight pixels of red, green, blue and nothing, from 16-bit Y, Cb and Cr. Writes 32 bytes. */
// @ts-ignore: decorator
@inline
function putPixels(target: usize, y: v128, blue: v128, red: v128): void {
  const cb = i16x8.sub(blue, i16x8.splat(128));
  const cr = i16x8.sub(red, i16x8.splat(128));
  const low = i16x8.shuffle(cb, cr, 0, 8, 1, 9, 2, 10, 3, 11);
  const high = i16x8.shuffle(cb, cr, 4, 12, 5, 13, 6, 14, 7, 15);
  const ofRed = i16x8(0, RED_OF_CR, 0, RED_OF_CR, 0, RED_OF_CR, 0, RED_OF_CR);
  const ofGreen = i16x8(
    GREEN_OF_CB,
    GREEN_OF_CR,
    GREEN_OF_CB,
    GREEN_OF_CR,
    GREEN_OF_CB,
    GREEN_OF_CR,
    GREEN_OF_CB,
    GREEN_OF_CR,
  );
  const ofBlue = i16x8(BLUE_OF_CB, 0, BLUE_OF_CB, 0, BLUE_OF_CB, 0, BLUE_OF_CB, 0);
  const r = i16x8.add(i16x8.add(y, cr), weighed(low, high, ofRed));
  const g = i16x8.add(i16x8.sub(y, cr), weighed(low, high, ofGreen));
  const b = i16x8.add(i16x8.add(y, i16x8.shl(cb, 1)), weighed(low, high, ofBlue));
  const rb = i8x16.narrow_i16x8_u(r, b);
  const g0 = i8x16.narrow_i16x8_u(g, i16x8.splat(0));
  v128.store(target, i8x16.shuffle(rb, g0, 0, 16, 8, 24, 1, 17, 9, 25, 2, 18, 10, 26, 3, 19, 11, 27));
  v128.store(target, i8x16.shuffle(rb, g0, 4, 20, 12, 28, 5, 21, 13, 29, 6, 22, 14, 30, 7, 23, 15, 31), 16);
}

/** A row of chroma as 16-bit numbers: three times the near row and once the far one, or the near one alone. Its ends are repeated once. */
function gather(near: usize, far: usize, isDown: bool, width: i32, target: usize): void {
  for (let x = 0; x < width; x += 8) {
    let values = v128.load_ext<u8>(near + <usize>x);
    if (isDown) {
      values = i16x8.add(i16x8.add(values, i16x8.shl(values, 1)), v128.load_ext<u8>(far + <usize>x));
    }
    v128.store(target + (<usize>x << 1), values);
  }
  const end = target + (<usize>width << 1);
  store<i16>(target - 2, load<i16>(target));
  store<i16>(end, load<i16>(end - 2));
}

/**
 * One row of `width` pixels, from an even one on, in red, green, blue and a byte that means nothing; up to 64 bytes behind it are written as well.
 * `across`: chroma has half the columns; `down`: half the rows, too, and the row lies between `near` and `far`, nearer to the one. `scratch`: 4 bytes
 * for each column of chroma, and 128. Up to 16 bytes behind each row are read.
 */
export function toRgb(
  luma: usize,
  cbNear: usize,
  cbFar: usize,
  crNear: usize,
  crFar: usize,
  across: bool,
  down: bool,
  width: i32,
  scratch: usize,
  target: usize,
): void {
  if (!across) {
    for (let x = 0; x < width; x += 8) {
      const at = <usize>x;
      const y = v128.load_ext<u8>(luma + at);
      putPixels(target + (at << 2), y, v128.load_ext<u8>(cbNear + at), v128.load_ext<u8>(crNear + at));
    }
    return;
  }
  const columns = (width + 1) >> 1;
  const cb = scratch + MARGIN;
  const cr = cb + ((<usize>columns << 1) + 2 * MARGIN);
  gather(cbNear, cbFar, down, columns, cb);
  gather(crNear, crFar, down, columns, cr);
  const left = i16x8.splat(down ? 8 : 1);
  const right = i16x8.splat(down ? 7 : 2);
  const shift = down ? 4 : 2;
  for (let x = 0; x < width; x += 16) {
    const at = <usize>x;
    const b = v128.load(cb + at);
    const r = v128.load(cr + at);
    const b3 = i16x8.add(b, i16x8.shl(b, 1));
    const r3 = i16x8.add(r, i16x8.shl(r, 1));
    const bEven = i16x8.shr_s(i16x8.add(i16x8.add(b3, v128.load(cb + at - 2)), left), shift);
    const bOdd = i16x8.shr_s(i16x8.add(i16x8.add(b3, v128.load(cb + at + 2)), right), shift);
    const rEven = i16x8.shr_s(i16x8.add(i16x8.add(r3, v128.load(cr + at - 2)), left), shift);
    const rOdd = i16x8.shr_s(i16x8.add(i16x8.add(r3, v128.load(cr + at + 2)), right), shift);
    const y = v128.load(luma + at);
    putPixels(
      target + (at << 2),
      i16x8.extend_low_i8x16_u(y),
      i16x8.shuffle(bEven, bOdd, 0, 8, 1, 9, 2, 10, 3, 11),
      i16x8.shuffle(rEven, rOdd, 0, 8, 1, 9, 2, 10, 3, 11),
    );
    putPixels(
      target + (at << 2) + 32,
      i16x8.extend_high_i8x16_u(y),
      i16x8.shuffle(bEven, bOdd, 4, 12, 5, 13, 6, 14, 7, 15),
      i16x8.shuffle(rEven, rOdd, 4, 12, 5, 13, 6, 14, 7, 15),
    );
  }
}
