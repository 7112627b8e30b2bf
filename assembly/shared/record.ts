/**
 * The layout of one operation record, shared by the compiler (TypeScript) and the interpreter (AssemblyScript).
 * A record is `Field.size` 32-bit words; addresses are byte offsets into the wasm memory, lengths count f32 elements.
 */
export enum Kernel {
  inputNchw = 1,
  conv = 2,
  winograd = 3,
  winogradInput = 4,
  winogradProduct = 5,
  winogradOutput = 6,
  maxPool = 7,
  averagePool = 8,
  affine = 9,
  add = 10,
  zeroPadShortcut = 11,
  softmax = 12,
  stemInput = 13,
  stem = 14,
  winogradLean = 15,
  strassen = 16,
  winogradLeanInput = 17,
  leakyRelu = 18,
  relu6 = 19,
  silu = 20,
  gelu = 21,
  elu = 22,
  blurPool = 23,
  l2Normalize = 24,
  qs8Conv = 25,
  qs8MaxPool = 26,
  qs8GlobalAveragePool = 27,
  qs8Linear = 28,
  qs8ZeroPadShortcut = 29,
  quantize = 30,
  dequantize = 31,
  qs8Winograd = 32,
  qs8Depthwise = 33,
  qs8Add = 34,
  qs8Fill = 35,
}

/** Tiles of the matrix product, rows by columns. */
export enum Tile {
  f32_4x8 = 0,
  f32_6x8 = 1,
  f32_6x16 = 2,
  qs8_4x8 = 3,
  qs8_6x8 = 4,
  qs8_6x16 = 5,
  /** On values widened to sixteen bits, for engines without a dot product of bytes. */
  qs8_wide = 6,
  /** Of values that are sixteen bits wide already: minimal filtering's. */
  i16_4x8 = 7,
  i16_4x16 = 8,
  /** As `qs8_wide`, by products of halves (strassen.ts): of the baseline modules. */
  qs8_strassen = 9,
}

/** The head: words that every record has, whatever its kernel. */
export enum Field {
  kernel = 0,
  /** Pieces of work that threads may take independently. */
  pieces = 1,
  /** A `Tile`; the baseline modules have one of f32, and those of sixteen bits. */
  tile = 2,
  input = 3,
  output = 4,
  /** 0 where there are none. */
  weights = 5,
  bias = 6,
  /** 0 where there is none; the second operand of `add`. */
  residual = 7,
  relu = 8,
  inHeight = 9,
  inWidth = 10,
  /** f32 elements from one pixel to the next. */
  inStep = 11,
  outHeight = 12,
  outWidth = 13,
  outStep = 14,
  /** A row of zeros as long as the widest pixel. */
  zeros = 15,
  /** Where the first bytes of the weights' cache lines are noted; 0 where nothing is asked for ahead. */
  firstBytes = 16,
  /** Words of a record. */
  size = 32,
}

// Behind the head lie the words of the kernel's family, which families share; a name has the same word in each of them.

/** The direct convolution, and linear layers. */
export enum ConvField {
  kernelHeight = 17,
  kernelWidth = 18,
  strideHeight = 19,
  strideWidth = 20,
  padHeight = 21,
  padWidth = 22,
  dilationHeight = 23,
  dilationWidth = 24,
  /** Contiguous f32 elements that one tap contributes to the sum. */
  depth = 25,
  /** Output channels of one group. */
  groupOut = 26,
  /** Panels of output channels in all groups together. */
  panels = 27,
  /** Panels in one group. */
  groupPanels = 28,
  /** Output pixels in one piece. */
  rowsPerPiece = 29,
  panelsPerPiece = 30,
}

/** Bits of `relu` in records that make integers of integers. */
export enum ReluBit {
  /** The least value is 0, not -127. */
  isZero = 1,
  /** The summand is 0..255, or 0..127, not -127..127. */
  isUnsigned = 2,
  /** Stored is 0..255, 128 more than what sums, factors and biases come to. */
  isByte = 4,
}

/** The direct convolution of integers has the words of `ConvField`, and one more. Its `depth` counts words of four bytes. */
export enum IntegerConvField {
  /** 2^-24 of what a step of the summand is worth in steps of the output, or 2^-16 where it has no sign; an f32. */
  factor = 31,
}

/** A sum of two values of bytes. */
export enum IntegerAddField {
  /** What is added, in steps of the output, an f32. */
  offset = 23,
  /** What a step of the input is worth in steps of the output, an f32. */
  scalar = 24,
  /** The greatest integer that is stored. */
  most = 25,
  /** As `scalar`, of the other term. */
  factor = 31,
}

/** Minimal filtering of integers has some of the words of `WinogradField`, and two more. */
export enum IntegerWinogradField {
  /** Input channels whose products are summed before the output's transform. */
  chunk = 26,
  /** As in `IntegerConvField`. */
  factor = 31,
}

/** Strassen's products of halves. */
export enum StrassenField {
  strideHeight = 19,
  strideWidth = 20,
  /** Input channels, with padding. */
  depth = 25,
  /** Input channels of a part; the last has what is left. */
  part = 26,
  panels = 27,
  /** Output pixels in one piece; the second half of them are the lower factors' rows. */
  rowsPerPiece = 29,
  /** Panels of either half of the output channels. */
  panelsPerPiece = 30,
}

/** Winograd's minimal filtering of 3x3 convolutions: all forms, and their phases. */
export enum WinogradField {
  /** Output pixels along a tile's side: 4 or 2. */
  outputTile = 17,
  /** Winograd tiles across and down. */
  tilesWide = 18,
  strideHeight = 19,
  tilesHigh = 20,
  padHeight = 21,
  padWidth = 22,
  /** The whole image's transformed input, of a lean kernel that shares it; 0 where it is in a thread's scratch. */
  transformed = 23,
  /** Of a lean kernel's input phase. */
  piecesPerGroup = 24,
  /** Rows of Winograd tiles from one picture to the next, of which the last may be partial, and its output rows: pictures may be stacked. */
  pictureTiles = 25,
  pictureHeight = 26,
  panels = 27,
  /** Winograd tiles in one group; the last has what is left. */
  tilesPerGroup = 29,
  panelsPerPiece = 30,
}

/** Minimal filtering of the 7x7 stem, and its input's transform. */
export enum StemField {
  tilesWide = 18,
  padHeight = 21,
  padWidth = 22,
  channels = 26,
  panels = 27,
  /** Padded rows of the image in one piece. */
  rowsPerPiece = 29,
}

export enum PoolField {
  kernelHeight = 17,
  kernelWidth = 18,
  strideHeight = 19,
  strideWidth = 20,
  padHeight = 21,
  padWidth = 22,
  /** Rows and columns, from the image's first, that an average's divisor counts, padding among them; 0: no padding. */
  countedHeight = 23,
  countedWidth = 24,
}

/** The image from planes to rows of pixels. */
export enum ImageField {
  padHeight = 21,
  padWidth = 22,
  channels = 26,
}

/** What goes pixel by pixel: affine, add, activations, softmax, normalisation, and the zero-padding shortcut. */
export enum PointwiseField {
  strideHeight = 19,
  strideWidth = 20,
  /** Zero channels before the input's in a zero-padding shortcut. */
  before = 23,
  /** A number that is the operation's own, an f32: a leaky ReLU's slope, `l2Normalize`'s epsilon. */
  scalar = 24,
  /** The greatest integer that is stored. */
  most = 25,
  channels = 26,
  /** The integer that stands for zero. */
  zero = 27,
}
