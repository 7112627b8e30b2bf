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
}

/** Tiles of the matrix product, rows by columns. */
export enum Tile {
  f32_4x8 = 0,
  f32_6x8 = 1,
  f32_6x16 = 2,
}

export enum Field {
  kernel = 0,
  /** Pieces of work that threads may take independently. */
  tiles = 1,
  /** A `Tile`; the baseline module has one alone. */
  tile = 2,
  input = 3,
  output = 4,
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
  kernelHeight = 15,
  kernelWidth = 16,
  strideHeight = 17,
  strideWidth = 18,
  padHeight = 19,
  padWidth = 20,
  dilationHeight = 21,
  dilationWidth = 22,
  /** Contiguous f32 elements that one tap contributes to the sum. */
  depth = 23,
  /** Output channels of one group. */
  groupOut = 24,
  /** Panels of output channels in all groups together. */
  panels = 25,
  /** Panels in one group. */
  groupPanels = 26,
  /** Output pixels (or Winograd tiles) in one piece of work. */
  rowsPerTile = 27,
  /** Panels in one piece of work. */
  panelsPerTile = 28,
  /** A row of zeros as long as the widest pixel. */
  zeros = 29,
  /** Winograd's output tile: 4 or 2. */
  outputTile = 30,
  /** Winograd tiles across and down. */
  tilesWide = 31,
  tilesHigh = 32,
  /** Transformed input and products of the whole image, where they are not in a thread's scratch. */
  transformed = 33,
  products = 34,
  /** The same of columns; a pool has no `before`. */
  countedWidth = 35,
  /** Zero channels before the input's in a zero-padding shortcut. */
  before = 35,
  /** Rows from the image's first that an average's divisor counts, padding among them; 0 where it counts no padding. */
  countedHeight = 36,
  channels = 37,
  /** Where the first bytes of the weights' cache lines are noted; 0 where nothing is asked for ahead. */
  firstBytes = 38,
  /** A number that is the operation's own, an f32: a leaky ReLU's slope, `l2Normalize`'s epsilon. */
  scalar = 39,
  size = 40,
}
