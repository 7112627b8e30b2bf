/**
 * Records of operations beside the plain ResNets', which the extended modules execute: as in `record.ts`, with heads of `Field`. Strides
 * and offsets count f32 elements.
 */
export enum ExtendedKernel {
  copyBox = 64,
  reshape = 65,
  pad = 66,
  binary = 67,
  activation = 68,
  normalizePixel = 69,
  normalizeImage = 70,
  localResponse = 71,
  logSoftmax = 72,
  dilatedPool = 73,
  depthwise = 74,
  depthwiseAny = 75,
}

/**
 * What becomes of a sum as it is stored: in these modules the word `relu` of convolutions and of `binary` holds one of them, or 0. Those
 * behind `clipAbove` run over a piece's output while that is in a cache. `activation` records name theirs in `operation`.
 */
export enum Finish {
  relu = 1,
  /** From 0 to `parameter`. */
  clipAbove = 2,
  leakyRelu = 3,
  prelu = 4,
  clip = 5,
  sigmoid = 6,
  silu = 7,
  hardSigmoid = 8,
  hardSwish = 9,
  mish = 10,
  tanh = 11,
  exp = 12,
  sqrt = 13,
  reciprocal = 14,
  absolute = 15,
  quantize = 16,
  quantizeSigned = 17,
  // From here on in f64.
  elu = 18,
  selu = 19,
  gelu = 20,
  geluTanh = 21,
  softplus = 22,
  erf = 23,
  log = 24,
}

/** Of convolutions and `binary`, behind the words of their family. */
export enum FinishField {
  /** Of the function in `relu`, an f32: the highest value, or `alpha`. */
  parameter = 31,
}

/** Elements from an input to an output along four axes, the outermost first; each piece is one step along that. */
export enum BoxField {
  inStride0 = 17,
  outStride0 = 18,
  count1 = 19,
  inStride1 = 20,
  outStride1 = 21,
  count2 = 22,
  inStride2 = 23,
  outStride2 = 24,
  count3 = 25,
  inStride3 = 26,
  outStride3 = 27,
  inBegin = 28,
  outBegin = 29,
  /** After each step of the second axis: so many zeros, so far behind its first element. */
  zerosBegin = 30,
  zerosCount = 31,
}

/** The same elements under other extents. */
export enum ReshapeField {
  inChannels = 17,
  outChannels = 18,
}

export enum PadField {
  beforeHeight = 17,
  beforeWidth = 18,
  beforeChannels = 19,
  mode = 20,
  /** An f32. */
  value = 21,
  inChannels = 22,
  outChannels = 23,
}

export enum PadMode {
  constant = 0,
  edge = 1,
  reflect = 2,
}

export enum BinaryField {
  operation = 17,
  /** Strides of both inputs; 0 along an axis on which one is repeated. */
  oneRow = 18,
  onePixel = 19,
  oneChannel = 20,
  otherRow = 21,
  otherPixel = 22,
  otherChannel = 23,
  channels = 24,
}

export enum Binary {
  add = 0,
  multiply = 1,
  subtract = 2,
  divide = 3,
  maximum = 4,
  minimum = 5,
}

export enum ActivationField {
  /** A `Finish`. */
  operation = 17,
  channels = 24,
  /** An f32 each. */
  alpha = 25,
  beta = 26,
}

export enum NormalizeField {
  groups = 17,
  channels = 24,
  /** An f32. */
  epsilon = 25,
}

export enum LocalResponseField {
  size = 17,
  channels = 24,
  /** An f32 each; `share` is alpha / size. */
  share = 25,
  beta = 26,
  bias = 27,
}

/** The words of `PoolField`, and these. */
export enum DilatedPoolField {
  dilationHeight = 25,
  dilationWidth = 26,
  average = 27,
}

/** The words of `ConvField` up to its dilation, and this. */
export enum DepthwiseField {
  /** Output columns that go together: 7 or 4. */
  strip = 25,
}
