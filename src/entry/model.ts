import type { Platform } from "../base/platform.js";
import type { EngineStats } from "../engine.js";
import type { Architecture } from "../graph/network.js";
import type {
  Activation,
  ClassifyOptions,
  EmbedOptions,
  ExplainOptions,
  HeatMap,
  Prediction,
  Preprocess,
  RunOptions,
  StreamOptions,
  WatchOptions,
} from "../options.js";
import type { Plan } from "../plan.js";

/** A network that takes tensors. */
export interface Model {
  readonly input: { readonly shape: readonly [1, number, number, number]; readonly layout: "NCHW" };
  /** Class names in index order; null where the file has none. */
  readonly labels: readonly string[] | null;
  readonly preprocess: Preprocess;
  /**
   * What was taken for granted: fields of `architecture` that neither caller nor file stated, and that no weight shows. Answers are
   * wrong where one of them is. To be certain, load with `architecture` of the right values: then this is empty.
   */
  readonly assumed: Partial<Architecture>;
  /**
   * `input`: [n, 3, h, w] f32 planes, normalised; a `GPUBuffer` of them, with usage COPY_SRC, where the model was loaded with its
   * `gpuDevice`. `logits`: n * classes values.
   */
  run(
    input: Float32Array | Platform<"GPUBuffer">,
    options?: RunOptions & { until?: undefined },
  ): Promise<{ logits: Float32Array }>;
  /** What a stage makes of the images. Throws `OptionError`, with the stages' names, for one that there is not. */
  run(input: Float32Array, options: RunOptions & { until: string }): Promise<Activation>;
  readonly plan: Plan;
  readonly stats: EngineStats;
  close(): Promise<void>;
}

/** What a stream has of one image. */
export type StreamAnswer<Image> =
  | { readonly image: Image; readonly predictions: Prediction[]; readonly error: null }
  | { readonly image: Image; readonly predictions: null; readonly error: Error };

/** A network that takes images. */
export interface Classifier<Image> {
  classify(image: Image, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(images: readonly Image[], options?: ClassifyOptions): Promise<Prediction[][]>;
  /**
   * An image's features, [embedding]: the last stage before the head, pooled as the head does. Where the head is a pool and a linear
   * layer, they are what that layer reads.
   */
  embed(image: Image, options?: EmbedOptions): Promise<Float32Array>;
  embed(images: readonly Image[], options?: EmbedOptions): Promise<Float32Array[]>;
  /** Length of what `embed` gives; null where the network has a single stage, and no features. */
  readonly embedding: number | null;
  /**
   * Where in a picture the evidence for a class lies: an exact class activation map where the head is a global average pool and a linear
   * layer, else by hiding part after part.
   */
  explain(image: Image, options?: ExplainOptions): Promise<HeatMap>;
  /**
   * Answers in the order of the images. The next one is not asked for before an answer is taken, once `ahead` are under way. An image
   * that fails has its error beside the others' answers; an abort or a close ends the stream.
   */
  stream(
    images: Iterable<Image> | AsyncIterable<Image>,
    options?: StreamOptions,
  ): AsyncGenerator<StreamAnswer<Image>, void, undefined>;
  /**
   * Classifies a video's frames as it shows them, and drops those that there is no time for. Ends when `signal` is aborted; rejects
   * with the first error. In browsers.
   */
  watch(video: Platform<"HTMLVideoElement">, options: WatchOptions): Promise<void>;
  readonly labels: readonly string[] | null;
  /** How images become the network's input: which part of one it sees, among others. */
  readonly preprocess: Preprocess;
  /** As `Model.assumed`; pictures show whether it is right: see `doubts`. */
  readonly assumed: Partial<Architecture>;
  /** What speaks against the structure or the preprocessing that were assumed, in sentences, after the first eight pictures. */
  readonly doubts: readonly string[];
  readonly plan: Plan;
  readonly stats: EngineStats;
  close(): Promise<void>;
}
