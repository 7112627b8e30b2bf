/**
 * Sizes on which kernels (AssemblyScript) and lowering (TypeScript) must agree: both read this file. Bytes, unless said otherwise.
 * It holds numbers, and sums and products of whole numbers: in those the two languages are one.
 */

/** A cache line. Planes are one line longer than their rows: those of a power-of-two size would share cache sets. */
export const LINE = 64;

/** Below this the modules' own constants lie. */
export const RESERVED = 4096;

/** From one plane of `rows` rows of `channels` elements to the next. */
export function planeBytes(rows: i32, channels: i32): i32 {
  return 4 * rows * channels + LINE;
}

// The direct convolution.

/** The pointer table of so many output pixels: blocks of four may have three that are not there. */
export function pointerBytes(pixels: i32, taps: i32): i32 {
  return 4 * ((pixels + 3) & ~3) * taps;
}

// Winograd's minimal filtering.

/** Points of F(4x4,3x3). */
export const POINTS = 36;
/** What F(4x4)'s transforms keep between their passes: 6 rows of 34 columns of 32 channels. */
export const WORK = 6 * 34 * 128;
/** With a stride of 2: pairs of point and phase along an axis of V, and points along one of M. */
export const STRIDE2_PHASES = 9;
export const STRIDE2_POINTS = 5;

/** The head of a thread's scratch: the pointer table with room for one point's gathered rows, or else the transforms' work. */
export function winogradWorkBytes(tiles: i32, channels: i32): i32 {
  const gathered = 4 * ((tiles + 3) & ~3) * (1 + channels) + 16;
  return gathered > WORK ? gathered : WORK;
}

// Winograd on the direct kernel's weights.

/** Input channels whose filters are made at a time, of one panel; and from one point's to the next. */
export const CHUNK = 256;
export const CHUNK_PLANE = CHUNK * 32 + LINE;
/** Input channels whose V is made at a time, where filters are made in turns. */
export const SLICE = 32;
/** A turn's filters: of one point, and of all. */
export const TURN_PLANE = 512;
export const TURN_FILTERS = POINTS * TURN_PLANE;
/** From one tile's products to the next one's: four panels. */
export const PRODUCT_STEP = 128;
/** The table of a piece's blocks: 32 bytes for each of 81 planes, in whole lines. */
export const BLOCKS = 41 * LINE;
/** Filters and products lie half a line off V's: where all begin on the same boundary, turns take 2 % longer. */
export const ASIDE = 32;

/** Pointers to a group's rows, and to a last block's that are not there. */
export function rowPointerBytes(rows: i32): i32 {
  return (4 * (rows + 3) + 63) & ~63;
}

// Winograd on integers.

/** Channels that a pass of the input's transform carries. */
export const FILTERED_SLICE = 64;
/** Most channels whose 9 * 127 * 127 products each, times 64, sum to less than 2^31; a multiple of sixteen. */
export const FILTERED_CHANNELS = 224;
/** A tile's sums of one panel: 16 pixels of eight channels. */
export const FILTERED_SUMS = 16 * 8 * 4;

/** From one point to the next: of V, of U, and of M. */
export function filteredInputPlane(rows: i32, channels: i32): i32 {
  return 2 * rows * channels + LINE;
}
export function filteredFilterPlane(channels: i32): i32 {
  return 16 * channels + LINE;
}
export function filteredProductPlane(rows: i32): i32 {
  return 32 * rows + LINE;
}

// Strassen's algorithm.

/** Input channels of a part, at most. */
export const PART = 512;
/** Products, and so first factors. */
export const FACTORS = 7;
/** Panels of either half that go together, and from one row of what is kept of them to the next. */
export const TOGETHER = 4;
export const KEPT_STEP = TOGETHER * 32;

/** Pointers to half of a piece's pixels. */
export function halfPointerBytes(pixels: i32): i32 {
  return 4 * ((pixels + 18) & ~15);
}

// The 7x7 stem.

/** Points along an axis; of these, points that both phases have. */
export const STEM_POINTS = 7;
export const STEM_SHARED = 6;
/** Bytes of the channels that one pass of the output's transform carries, and from a column, and a row, of them to the next. */
export const STEM_CHUNK = 256;
export const STEM_COLUMN = STEM_CHUNK + LINE;
export const STEM_ROW = STEM_POINTS * STEM_COLUMN;
/** Where the samples of a row begin: behind one transposed block. */
export const STEM_SAMPLES = 256;

/** Samples of a row that `quads` times four tiles read. */
export function stemSamples(quads: i32): i32 {
  return quads * 32 + 8;
}

// The trial of tiles of integers: 24 rows of 256 bytes against four panels.

export const TRIAL_ROWS = 24;
export const TRIAL_BYTES = 256;
export const TRIAL_PANELS = 4;
/** Where its rows, panels, factors and outputs begin. */
export const TRIAL_INPUT = 256;
export const TRIAL_WEIGHTS = TRIAL_INPUT + TRIAL_ROWS * TRIAL_BYTES;
export const TRIAL_SCALES = TRIAL_WEIGHTS + TRIAL_PANELS * TRIAL_BYTES * 8;
export const TRIAL_OUTPUT = TRIAL_SCALES + 256;
