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

// Panels of weights: eight output channels.

/** So many input channels and taps of a panel, in f32. */
export function panelBytes(depth: i32, taps: i32): i32 {
  return 32 * depth * taps;
}

/** What Winograd's transform of weights keeps between its passes: six rows of three vectors. */
export const PACK_ROW = 48;
export const PACK_WORK = 6 * PACK_ROW;

/** While a panel is packed: its rows as the file has them, the panel, and what a transform keeps. */
export function stagingBytes(depth: i32, taps: i32): i32 {
  return 2 * panelBytes(depth, taps) + PACK_WORK;
}

// Outliers: of a panel of integers, words of weights that are multiplied on their own.

/**
 * Of an outlier: a word of eight channels' weights, 32 bytes, and two offsets of four bytes each: from the end of a block's pointers back to
 * its tap's, and from a pixel to its word.
 */
export const OUTLIER_BYTES = 40;
/** Before a panel's first one: how many bytes they take; below 0, the panel has too many and keeps them. */
export const OUTLIER_HEADER_BYTES = 8;

/** What a panel of so many words has for them: more would take longer than they spare. */
export function outlierBytes(words: i32): i32 {
  return OUTLIER_HEADER_BYTES + OUTLIER_BYTES * (words < 32 ? 1 : words < 64 ? 2 : 4);
}

// The direct convolution.

/** The pointer table of so many output pixels: blocks of four may have three that are not there. */
export function pointerBytes(pixels: i32, taps: i32): i32 {
  return 4 * ((pixels + 3) & ~3) * taps;
}

// Winograd's minimal filtering.

/** Points of F(4x4,3x3) or F(2x2,3x3), whose tiles are `outputTile` pixels wide. */
export function winogradPoints(outputTile: i32): i32 {
  return (outputTile + 2) * (outputTile + 2);
}

/** Points of F(4x4,3x3). */
export const POINTS = 36;
/** Channels that a pass of its transforms carries, and what they take of a column. */
export const WORK_CHANNELS = 32;
export const WORK_COLUMN = WORK_CHANNELS * 4;
/** A row of what is kept between two passes: columns of the input that eight tiles share; and their points, each tile's own. */
export const WORK_IN_ROW = 34 * WORK_COLUMN;
export const WORK_OUT_ROW = 49 * WORK_COLUMN;
/** All that is kept: six rows of the input, or four of points, which are less. */
export const WORK = 6 * WORK_IN_ROW;
/** With a stride of 2: pairs of point and phase along an axis of V, and points along one of M. */
export const STRIDE2_PHASES = 9;
export const STRIDE2_POINTS = 5;

/** Pointers to the rows of so many tiles: blocks of four may have three that are not there. */
export function winogradTableBytes(tiles: i32): i32 {
  return 4 * ((tiles + 3) & ~3) + 16;
}

/** The head of a thread's scratch: the pointer table with room for one point's gathered rows, or else the transforms' work. */
export function winogradWorkBytes(tiles: i32, channels: i32): i32 {
  const gathered = winogradTableBytes(tiles) + 4 * ((tiles + 3) & ~3) * channels;
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
/** Panels whose products are kept until they are transformed; and from one tile's products to the next one's. */
export const KEPT_PANELS = 2;
export const PRODUCT_STEP = KEPT_PANELS * 32;
/** The table of a piece's blocks: an entry for each of 81 planes, in whole lines. */
export const BLOCK_ENTRY = 32;
export const BLOCKS = 41 * LINE;
/** Filters and products lie half a line off V's: where all begin on the same boundary, turns take 2 % longer. */
export const ASIDE = 32;

/** From one point of a group's products, of so many rows, to the next. */
export function productPlane(rows: i32): i32 {
  return PRODUCT_STEP * rows + LINE;
}

/** Pointers to a group's rows, and to a last block's that are not there. */
export function rowPointerBytes(rows: i32): i32 {
  return (4 * (rows + 3) + 63) & ~63;
}

// Winograd on integers.

/** Channels that a pass of the input's transform carries. */
export const FILTERED_SLICE = 64;
/** Most channels of 0..127 whose 9 products each, times 64, sum to less than 2^31; a multiple of 32. Of 0..255 it is half as many. */
export const FILTERED_CHANNELS = 224;
/** A tile's sums of one panel: 16 pixels of eight channels. */
export const FILTERED_SUMS = 16 * 8 * 4;

/** From one point to the next: of V, of U, and of M. Products of halves have seven such planes each. */
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

/** Rows of either half of an integer convolution's, in whole blocks of four. */
export function halfRows(rows: i32): i32 {
  return ((rows + 7) >> 3) << 2;
}

/** Products, and so first factors. */
export const FACTORS = 7;
/** Panels of either half that go together, and from one row of what is kept of them to the next. */
export const TOGETHER = 4;
export const KEPT_STEP = TOGETHER * 32;

/** Rows of so many pixels, with those of a last block that are not there. */
export function blockRows(pixels: i32): i32 {
  return pixels + 3;
}

/** Second factors that are sums: four of each panel that goes together, of half of a part's channels. */
export function sumsBytes(depth: i32): i32 {
  return 4 * TOGETHER * panelBytes(depth, 1);
}

/** What is kept of one quarter of the output. */
export function keptBytes(pixels: i32): i32 {
  return blockRows(pixels) * KEPT_STEP + LINE;
}

/** Pointers to half of a piece's pixels. */
export function halfPointerBytes(pixels: i32): i32 {
  return 4 * ((pixels + 18) & ~15);
}

// The 7x7 stem.

/** Points along an axis; of these, points that both phases have. */
export const STEM_POINTS = 7;
export const STEM_SHARED = 6;
/** Pairs of point and phase along an axis: the last point has the even phase alone. */
export const STEM_PHASES = 2 * STEM_SHARED + 1;
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

// What is timed.

/** Of a round of `peak`: ten multiply-adds of four lanes. */
export const PEAK_FLOPS = 80;
/** The trial of tiles: rows against panels, of so many f32 or, for tiles of integers, bytes. In 32 KB. */
export const TRIAL_ROWS = 24;
export const TRIAL_PANELS = 4;
export const TRIAL_DEPTH = 64;
export const TRIAL_BYTES = 256;
export const TRIAL_FLOPS = 2 * TRIAL_ROWS * TRIAL_DEPTH * 8 * TRIAL_PANELS;
/** Where the trial's rows, panels, factors and outputs begin, of integers. */
export const TRIAL_INPUT = 256;
export const TRIAL_WEIGHTS = TRIAL_INPUT + TRIAL_ROWS * TRIAL_BYTES;
export const TRIAL_SCALES = TRIAL_WEIGHTS + TRIAL_PANELS * TRIAL_BYTES * 8;
export const TRIAL_OUTPUT = TRIAL_SCALES + 256;
