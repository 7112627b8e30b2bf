import type { LoadOptions } from "../options.js";

export const dtypes = ["int8", "int8-weights", "f16", "bf16"] as const;

/** What weights become. But for "int8", values stay in f32: such files are only smaller, and need no pictures. */
export type QuantizeType = (typeof dtypes)[number];

/** `loaded` and `total` are bytes while fetching, else pictures, values or layers; `total` is 0 where it is not known. */
export interface QuantizeProgress {
  readonly phase: "fetch" | "pictures" | "calibrate" | "clip" | "correct" | "noise" | "statistics" | "compare";
  readonly loaded: number;
  readonly total: number;
}

/** What is stated of the work, and survives a structured clone. */
export interface QuantizeSettings extends Pick<LoadOptions, "architecture" | "preprocess" | "inputSize"> {
  /** Class names in index order. */
  labels?: readonly string[];
  /** Pictures that calibrate, at most; 100, and at most half of an array of which the rest is held out. */
  calibration?: number;
  dtype?: QuantizeType;
}

export interface QuantizeOptions<Image> extends QuantizeSettings {
  /** Pictures held out; unless given, some of `images` are. */
  evaluate?: Iterable<Image> | AsyncIterable<Image>;
  /** The library's quantize-worker.js (in Node quantize-node-worker.js), where it does not lie beside the library. */
  worker?: string | URL;
  signal?: AbortSignal | null;
  onProgress?: (progress: QuantizeProgress) => void;
}

/** What became of a layer. */
export interface LayerReport {
  readonly name: string;
  /** What its weights are in the file. */
  readonly weights: "int8" | "float";
  /** Why they stayed float. */
  readonly reason?: string;
  /** Power of what the weights make of their inputs over that of rounding them, in dB. */
  readonly weightSignalToNoise: number;
  /** The same of the value that the layer stores, with everything before it rounded. */
  readonly signalToNoise: number;
  /** How its value's clip was found; absent where the value is no integer. */
  readonly clip?: "squares" | "divergence";
}

/** A picture that was not used, and why. */
export interface PassedOver {
  /** Its path, URL or file name, else its place: "image 4". */
  readonly image: string;
  readonly name: string;
  readonly message: string;
}

export interface QuantizeReport {
  readonly dtype: QuantizeType;
  /** Of the file, and of the same layers in f32. */
  readonly bytes: number;
  readonly floatBytes: number;
  /** bytes / floatBytes */
  readonly ratio: number;
  /** Pictures that calibrated, and pictures held out. */
  readonly calibration: number;
  readonly evaluated: number;
  /** Pictures held out whose best class is float's; as a share of them, null where there are none. */
  readonly agreeing: number;
  readonly agreement: number | null;
  /** Whether channels were equalised, and biases corrected: each where it brought the answers nearer to float's. */
  readonly equalized: boolean;
  readonly corrected: boolean;
  /** Every layer with its noise, and the reason where it stayed float; empty but for "int8". */
  readonly layers: readonly LayerReport[];
  /** What the BatchNorms' statistics say of the calibration pictures; null but for "int8" of residual networks. */
  readonly statistics: {
    readonly answer: "fits" | "does not fit" | "cannot be told";
    readonly reasons: readonly string[];
  } | null;
  readonly passedOver: readonly PassedOver[];
  /** What to know before the file is used, in sentences. */
  readonly notes: readonly string[];
}

export interface QuantizedFile {
  /** A safetensors file: docs/models.md has its format. */
  readonly file: Uint8Array<ArrayBuffer>;
  readonly report: QuantizeReport;
}
