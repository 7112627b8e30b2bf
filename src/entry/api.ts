import type { Platform } from "../base/platform.js";
import { ResnetEdgeError } from "../errors.js";
import type {
  Activation,
  ClassifyOptions,
  EmbedOptions,
  ExplainOptions,
  HeatMap,
  LoadOptions,
  ModelSource,
  Prediction,
  Preprocess,
  RunOptions,
  StreamOptions,
  WatchOptions,
} from "../options.js";
import type { Session } from "../session/session.js";
import type { Classifier, Model } from "./model.js";

/** An object, so that the compiler asks for every field. */
type Fields<Options> = Readonly<Record<keyof Options, 0>>;

const loadFields: Fields<LoadOptions> = {
  device: 0,
  threads: 0,
  worker: 0,
  simd: 0,
  precision: 0,
  memory: 0,
  architecture: 0,
  preprocess: 0,
  labels: 0,
  inputSize: 0,
  inputs: 0,
  foldBatchNorm: 0,
  convolution: 0,
  tile: 0,
  decode: 0,
  signal: 0,
  onProgress: 0,
  gpu: 0,
  gpuDevice: 0,
  wasm: 0,
};
const preprocessFields: Fields<Preprocess> = { crop: 0, resize: 0, mode: 0, interpolation: 0, mean: 0, std: 0 };
const classifyFields: Fields<ClassifyOptions> = {
  topK: 0,
  minScore: 0,
  signal: 0,
  allow: 0,
  deny: 0,
  renormalise: 0,
  region: 0,
  rotation: 0,
  logits: 0,
};
const runFields: Fields<RunOptions> = { shape: 0, until: 0, signal: 0 };
const embedFields: Fields<EmbedOptions> = { signal: 0 };

function isKnown(given: unknown, known: object): boolean {
  const fields = typeof given === "object" && given !== null ? Object.entries(given) : null;
  return fields?.every(([field, value]) => value === undefined || Object.hasOwn(known, field)) ?? false;
}

/** Throws the `OptionError` for a field that is not known: what it says comes when it is needed. */
async function refuse(given: unknown, known: object, what: string): Promise<void> {
  (await import("../base/nearest.js")).checkFields(given, Object.keys(known), what);
}

/** What few pages call. */
const more = () => import("./more.js");

type Open = (source: ModelSource, options: LoadOptions) => Promise<Session>;

/** The two ways in, for one host. `defaultModel`: of a classifier without a source. */
export function createApi<Image>(defaultModel: () => ModelSource, open: Open) {
  const opened = async (source: ModelSource, options: LoadOptions) => {
    if (!isKnown(options, loadFields)) await refuse(options, loadFields, "load option");
    if (options.preprocess && !isKnown(options.preprocess, preprocessFields))
      await refuse(options.preprocess, preprocessFields, "preprocess option");
    return open(
      source,
      options.labels === "imagenet" ? { ...options, labels: await (await import("./imagenet.js")).labels() } : options,
    );
  };
  return {
    async loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
      return new SessionModel(await opened(source, options));
    },
    async loadClassifier(source: ModelSource = defaultModel(), options: LoadOptions = {}): Promise<Classifier<Image>> {
      return new SessionClassifier<Image>(await opened(source, options));
    },
  };
}

/** What a model and a classifier have alike. */
class Loaded {
  constructor(protected readonly session: Session) {}
  get labels() {
    return this.session.labels;
  }
  get preprocess() {
    return this.session.preprocess;
  }
  get assumed() {
    return this.session.assumed;
  }
  get plan() {
    return this.session.plan;
  }
  get stats() {
    return this.session.stats;
  }
  close() {
    return this.session.close();
  }
}

class SessionModel extends Loaded implements Model {
  readonly input = { shape: this.session.inputShape as Model["input"]["shape"], layout: "NCHW" as const };
  run(input: Float32Array | GPUBuffer, options?: RunOptions & { until?: undefined }): Promise<{ logits: Float32Array }>;
  run(input: Float32Array, options: RunOptions & { until: string }): Promise<Activation>;
  async run(input: Float32Array | GPUBuffer, options: RunOptions = {}) {
    if (!isKnown(options, runFields)) await refuse(options, runFields, "run option");
    const { until: stage, shape, signal } = options;
    if (stage !== undefined)
      return this.session.features({ what: "stage", stage, input: input as Float32Array, shape }, signal);
    return { logits: await this.session.run(input, options) };
  }
}

class SessionClassifier<Image> extends Loaded implements Classifier<Image> {
  get doubts() {
    return this.session.doubts;
  }
  get embedding() {
    return this.session.embedding;
  }
  classify(image: Image, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(images: readonly Image[], options?: ClassifyOptions): Promise<Prediction[][]>;
  async classify(
    input: Image | readonly Image[],
    options: ClassifyOptions = {},
  ): Promise<Prediction[] | Prediction[][]> {
    if (!isKnown(options, classifyFields)) await refuse(options, classifyFields, "classify option");
    const answer =
      options.allow || options.deny
        ? (await more()).among(this.session, options)
        : (image: Image) => this.session.classify(image, options);
    return each(input, answer);
  }
  embed(image: Image, options?: EmbedOptions): Promise<Float32Array>;
  embed(images: readonly Image[], options?: EmbedOptions): Promise<Float32Array[]>;
  async embed(input: Image | readonly Image[], options: EmbedOptions = {}): Promise<Float32Array | Float32Array[]> {
    if (!isKnown(options, embedFields)) await refuse(options, embedFields, "embed option");
    return each(input, (image) => this.session.features({ what: "embed", image }, options.signal));
  }
  async explain(image: Image, options: ExplainOptions = {}): Promise<HeatMap> {
    return (await import("../features/explain.js")).explain(this.session, image, options);
  }
  async *stream(images: Iterable<Image> | AsyncIterable<Image>, options: StreamOptions = {}) {
    yield* (await more()).stream(this, images, options);
  }
  async watch(video: Platform<"HTMLVideoElement">, options: WatchOptions) {
    return (await more()).watch(this as Classifier<unknown>, video, options);
  }
}

/** One image's answer, or those of several in their order. */
async function each<Image, Answer>(
  input: Image | readonly Image[],
  ask: (image: Image) => Promise<Answer>,
): Promise<Answer | Answer[]> {
  if (!Array.isArray(input)) return ask(input as Image);
  const one = async (image: Image, index: number) => {
    try {
      return await ask(image);
    } catch (error) {
      if (error instanceof ResnetEdgeError) error.message = `Image ${index + 1} of ${input.length}: ${error.message}`;
      throw error;
    }
  };
  return Promise.all(input.map(one));
}
