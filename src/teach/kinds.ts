import type { LoadOptions, ModelSource, Prediction } from "../options.js";

/** A picture that was taught. */
export interface TaughtExample {
  readonly id: number;
  readonly label: string;
}

/** Solutions so far, of how many. */
export interface TrainProgress {
  readonly loaded: number;
  readonly total: number;
}

export interface TrainOptions {
  signal?: AbortSignal | null;
  onProgress?: (progress: TrainProgress) => void;
}

/** An example whose class, told by a layer that has not seen it, is another one. */
export interface Misfit extends TaughtExample {
  readonly predicted: string;
  /** Of the class that was predicted. */
  readonly probability: number;
}

/** What was learned, and how well, by cross-validation. */
export interface TrainReport {
  /** Class names in index order. */
  readonly labels: readonly string[];
  /** Pictures of each class. */
  readonly examples: readonly number[];
  /** Share of the examples that layers which have not seen them get right; null where a class has a single one. */
  readonly accuracy: number | null;
  /** Where the true share lies with 95 % (Wilson's interval). */
  readonly interval: readonly [low: number, high: number] | null;
  /** Rows are the true classes, columns the predicted ones. */
  readonly confusion: readonly (readonly number[])[] | null;
  /** The surest first: a wrong label, or a picture unlike its class. */
  readonly misfits: readonly Misfit[];
  /** Parts that the examples were divided into. */
  readonly folds: number;
  /** Of the L2 regularisation, chosen among 0.3, 0.1 and 0.03. */
  readonly strength: number;
  /** A cosine below it is "none of these"; null where there are too few examples. */
  readonly threshold: number | null;
  /** What to know before the model is used, in sentences. */
  readonly notes: readonly string[];
}

/** How well pictures that were held out are told. */
export interface Evaluation {
  readonly count: number;
  /** Share that is right, whether or not it was refused. */
  readonly accuracy: number;
  readonly interval: readonly [low: number, high: number];
  readonly confusion: readonly (readonly number[])[];
  /** Share that was taken for none of the classes. */
  readonly refused: number;
}

/** Pictures by class. */
export type Labelled<Image> = Readonly<Record<string, readonly Image[]>>;

export interface Answer {
  /** As the exported model's `classify` gives them: where `none.refused`, the first one has index -1. */
  readonly predictions: readonly Prediction[];
  /** Whether it is like anything that was taught. Null where there were too few examples to tell. */
  readonly none: {
    /** 0 to 1, a half at the threshold. */
    readonly score: number;
    /** The largest cosine with what was taught, and the least that is taken. */
    readonly nearness: number;
    readonly threshold: number;
    readonly refused: boolean;
  } | null;
}

/** A classifier that learns from a few pictures, on a network that has learned from many. */
export interface Teacher<Image> {
  readonly examples: readonly TaughtExample[];
  /** Classes in the order in which they came. */
  readonly labels: readonly string[];
  /** What the last training said; null before it, and after examples changed. */
  readonly report: TrainReport | null;
  /** Keeps a picture's features, of several views; the picture itself is not kept. Returns its id. */
  add(label: string, image: Image, options?: { signal?: AbortSignal | null }): Promise<number>;
  /** False where there is no such example. */
  remove(id: number): boolean;
  /** Trains from the start: it takes milliseconds for tens of pictures. Throws `OptionError` for fewer than two classes. */
  train(options?: TrainOptions): Promise<TrainReport>;
  classify(image: Image, options?: { topK?: number; signal?: AbortSignal | null }): Promise<Answer>;
  /** Tries pictures that were not taught. */
  evaluate(images: Labelled<Image>, options?: { signal?: AbortSignal | null }): Promise<Evaluation>;
  /** The taught model as a safetensors file with torchvision's names: what `loadClassifier` and PyTorch read. */
  export(): Promise<Uint8Array<ArrayBuffer>>;
  /** All examples, to be continued from by `createTeacher(backbone, { state })`. */
  save(): Uint8Array<ArrayBuffer>;
  close(): Promise<void>;
}

export interface TeacherOptions extends LoadOptions {
  /** What `save` gave. */
  state?: Uint8Array | ArrayBuffer;
}

export type CreateTeacher<Image> = (backbone: ModelSource, options?: TeacherOptions) => Promise<Teacher<Image>>;
