import type { Platform, WasmModule } from "./base/platform.js";
import type { Architecture } from "./graph/network.js";

/** How an image becomes the network's input. Belongs to a model; see `defaultPreprocess` for torchvision's values. */
export interface Preprocess {
  /** The network's input in pixels: the side of a square, or [height, width]. */
  readonly crop: number | readonly [height: number, width: number];
  /** The image's size before the crop: its short side, or [height, width]. */
  readonly resize: number | readonly [height: number, width: number];
  /**
   * How an image comes to that size: "center" keeps its ratio and covers it, "border" keeps its ratio and lies within it, with the
   * mean around, "squash" stretches it (torchvision's `Resize((height, width))`). Then its centre is cropped. Unless stated,
   * "squash" for a [height, width], else "center".
   */
  readonly mode?: "center" | "squash" | "border";
  readonly interpolation: "bilinear" | "bicubic" | "nearest";
  /** Per channel, of pixels scaled to 0..1. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

export type ModelSource = string | URL | Blob | ArrayBuffer | ArrayBufferView | Response;

/**
 * `loaded` and `total` are bytes while fetching, operations while preparing, buffers and pipelines on the GPU where that is
 * insisted on; `total` is 0 where it is not known.
 */
export interface Progress {
  readonly phase: "fetch" | "read" | "prepare" | "gpu" | "ready";
  readonly loaded: number;
  readonly total: number;
}

export interface LoadOptions {
  /** Where to run. "gpu" insists and throws with the reason; "auto" explains in `model.plan`. */
  device?: "auto" | "cpu" | "gpu";
  /** Threads of the CPU path; "auto" is the number of cores, at most 8. `stats.threadsReason` says what came of it. */
  threads?: "auto" | number;
  /**
   * Where the model lives: "auto" is a worker, so that the caller's thread is never held up, or in place where no worker
   * can be had; `false` is in place; a URL is the library's worker file, where it does not lie beside the library.
   */
  worker?: "auto" | false | string | URL;
  simd?: "auto" | "baseline" | "relaxed";
  /** "f32": a file of integers is computed in float; unless stated, in its integers on the CPU. "f16": of a GPU's weights and values. */
  precision?: "f32" | "f16";
  /** "small" forgoes the kernels whose weights or scratch are large. */
  memory?: "fast" | "small";
  /** Overrides what names and shapes say, field by field; a string is a well-known name. */
  architecture?: string | Partial<Architecture>;
  preprocess?: Partial<Preprocess>;
  /** Class names in index order; "imagenet": those of ImageNet's 1,000, in torchvision's order. */
  labels?: readonly string[] | "imagenet";
  /** The network's input where it differs from the model's own: the side of a square, or [height, width]. */
  inputSize?: number | readonly [height: number, width: number];
  /** Values for the inputs that an ONNX graph has beside the picture, by name, in row-major order. */
  inputs?: Readonly<Record<string, ArrayLike<number> | ArrayLike<bigint>>>;
  /** Keep BatchNorm as an operation of its own: slower, for checking the fold. Default true (folded). */
  foldBatchNorm?: boolean;
  /** Forces one 3x3 kernel where it applies; "auto" chooses by shape. */
  convolution?: "auto" | "direct" | "winograd2" | "winograd4" | "winograd4-lean";
  /** Tile of the matrix product, rows by columns; "auto" measures at load. The baseline module has 4x8 alone. */
  tile?: "auto" | "4x8" | "6x8" | "6x16";
  /** "fast": JPEGs are decoded at a half, a quarter or an eighth of their size where that is still twice what is needed. In Node. */
  decode?: "exact" | "fast";
  signal?: AbortSignal | null;
  onProgress?: (progress: Progress) => void;
  /** Where to look for a GPU instead of navigator.gpu: Dawn in Node, say. The session then runs in place. */
  gpu?: Platform<"GPU">;
  /** The caller's own device: used and never destroyed. The session then runs in place. */
  gpuDevice?: Platform<"GPUDevice">;
  /** The kernels, for hosts that cannot fetch them: a URL, bytes or a compiled module. */
  wasm?: string | URL | ArrayBuffer | ArrayBufferView | WasmModule;
}

export interface RunOptions {
  /**
   * The input's own shape, [n, 3, height, width]: checked against the model's. Without it the count of values alone is, which
   * is the same for four images and for one of twice the side.
   */
  shape?: readonly number[];
  /** A stage's name, such as "layer4": the answer is what that stage makes, and the rest of the network does not run. */
  until?: string;
  signal?: AbortSignal | null;
}

/** What a stage makes of n images. */
export interface Activation {
  /** [n, C, H, W], planes; f32, also where the network computes in integers. */
  readonly values: Float32Array;
  readonly shape: readonly [count: number, channels: number, height: number, width: number];
  readonly layout: "NCHW";
}

export interface EmbedOptions {
  signal?: AbortSignal | null;
}

export interface ExplainOptions {
  /** The class to explain; the best one unless stated. */
  index?: number;
  /** "cam" insists on a class activation map; "occlusion" asks for the other kind where "auto" has the exact one. */
  method?: "auto" | "cam" | "occlusion";
  /** Of an occlusion map: cells along each side, 8 unless stated. It takes as many runs as it has cells. */
  cells?: number;
  /** Masked pictures that were run, of how many. */
  onProgress?: (progress: { readonly loaded: number; readonly total: number }) => void;
  signal?: AbortSignal | null;
}

/** Where in a picture the evidence for a class lies. Plain data: it can be kept, or sent elsewhere. */
export interface HeatMap {
  readonly index: number;
  readonly label: string;
  /** "cam": exact, see `values`. "occlusion": how much the logit falls where a cell is hidden. */
  readonly method: "cam" | "occlusion";
  /** Rows and columns of cells. */
  readonly height: number;
  readonly width: number;
  /**
   * [height * width], row by row. "cam": their mean and `bias` make `logit`. "occlusion": `logit` less the logit with the cell, and half of
   * each neighbour, hidden.
   */
  readonly values: Float32Array;
  /** What each cell adds to the logit: `values` over the number of cells. Null for "occlusion", where hidden cells overlap. */
  readonly shares: Float32Array | null;
  readonly logit: number;
  /** Of "cam": what the class has whatever the picture; 0 for "occlusion". */
  readonly bias: number;
  /** The upright picture, and what of it the cells cover, in its pixels. */
  readonly picture: { readonly width: number; readonly height: number };
  readonly region: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

export interface ClassifyOptions {
  /** At most this many predictions; 5 by default. */
  topK?: number;
  /** Only predictions with at least this score (0..1, but for raw logits); all by default. */
  minScore?: number;
  /** Only these classes, by label or index. Scores stay as they are, unless `renormalise`. */
  allow?: readonly (string | number)[];
  /** All but these. */
  deny?: readonly (string | number)[];
  /** Scores of the classes that are left sum to 1. */
  renormalise?: boolean;
  /** The part of the picture that is looked at: whole pixels of it as it is shown, upright. */
  region?: ImageRegion;
  /** How the picture, or its region, is turned before it is looked at: degrees, clockwise. */
  rotation?: 0 | 90 | 180 | 270;
  /** Each prediction has its `logit`. */
  logits?: boolean;
  signal?: AbortSignal | null;
}

/** A rectangle in pixels, from the upper left corner. */
export interface ImageRegion {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface StreamOptions extends ClassifyOptions {
  /** Pictures that are asked for before their answers are taken: 4 by default. */
  ahead?: number;
}

export interface WatchOptions extends ClassifyOptions {
  /** Frames a second at most; by default as many as can be answered. */
  maxRate?: number;
  /** What a frame's scores keep of those before it, 0 to 1: an exponential average. 0 by default. */
  smooth?: number;
  /** `time`: of the frame in the video, in seconds. `dropped`: frames since the last answer that there was no time for. */
  onAnswer: (predictions: Prediction[], frame: { readonly time: number; readonly dropped: number }) => void;
}

export interface Prediction {
  readonly index: number;
  readonly label: string;
  /** Probability, 0..1: of a softmax, or of a sigmoid where classes do not exclude each other; the logit for `scores: "none"`. */
  readonly score: number;
  /** What the score was made of; where it was asked for. */
  readonly logit?: number;
}
