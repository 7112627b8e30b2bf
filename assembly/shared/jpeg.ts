/**
 * What the decoder of JPEGs is told, in 32-bit words, shared by TypeScript and AssemblyScript. Addresses are byte offsets into the
 * module's memory, and so are `end` and `last`.
 */
export enum Scan {
  /** The compressed bytes behind the start of scan, and the end of all bytes. */
  data = 0,
  end = 1,
  /** Room for as many bytes as there are, and `SPARE` more; a whole number of vectors. */
  clean = 2,
  /** Room for the 64 coefficients of a block. */
  block = 3,
  /** 80 bytes: where a block's coefficients belong, in bytes, in the order in which they are coded; behind the 64th anywhere in it. */
  order = 4,
  /** Units between two restarts; 0: there are none. */
  restart = 5,
  /** Units (MCUs) of the picture, and the first and last ones that are wanted, [left, right) and [top, bottom). */
  across = 6,
  down = 7,
  left = 8,
  right = 9,
  top = 10,
  bottom = 11,
  /** The first of three parts, one for each component. */
  components = 12,
}

export enum Component {
  /** Blocks of a unit. */
  across = 0,
  down = 1,
  /** 64 16-bit factors, row by row. */
  factors = 2,
  /** Tables of codes: see `readCodes`. */
  dc = 3,
  ac = 4,
  /** Where its wanted samples go, and their rows' distance. */
  plane = 5,
  stride = 6,
  /** The last block's mean, in units of its factor. */
  mean = 7,
  size = 8,
}

export const SCAN_WORDS = 36;

/** Codes of up to so many bits are found at once. */
export const LOOK = 11;
/** Where a table of codes has its parts, in bytes; it has entries for `LOOK` bits first. See assembly/jpeg/codes.ts. */
export const LIMITS = 8192;
export const OFFSETS = 8272;
export const SYMBOLS = 8352;
export const CODES_BYTES = 8608;
/** Bytes behind the clean ones, and so many blank ones are read at most. */
export const SPARE = 64;
