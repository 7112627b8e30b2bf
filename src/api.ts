import type { EngineStats } from "./engine.js";
import { ResnetEdgeError } from "./errors.js";
import type { ClassifyOptions, LoadOptions, ModelSource, Prediction, Preprocess, RunOptions } from "./options.js";
import type { Plan } from "./plan.js";
import type { Session } from "./session.js";

/** A network that takes tensors. */
export interface Model {
  readonly input: { readonly shape: readonly [1, number, number, number]; readonly layout: "NCHW" };
  /** Class names in index order; null where the file has none. */
  readonly labels: readonly string[] | null;
  readonly preprocess: Preprocess;
  /**
   * `input`: [n, 3, h, w] f32 planes, normalised; a `GPUBuffer` of them, with usage COPY_SRC, where the model was loaded with its
   * `gpuDevice`. `logits`: n * classes values.
   */
  run(input: Float32Array | GPUBuffer, options?: RunOptions): Promise<{ logits: Float32Array }>;
  readonly plan: Plan;
  readonly stats: EngineStats;
  close(): Promise<void>;
}

/** A network that takes images. */
export interface Classifier<Image> {
  classify(image: Image, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(images: readonly Image[], options?: ClassifyOptions): Promise<Prediction[][]>;
  readonly labels: readonly string[] | null;
  /** What speaks against the structure or the preprocessing that were assumed, in sentences, after the first eight pictures. */
  readonly doubts: readonly string[];
  readonly plan: Plan;
  readonly stats: EngineStats;
  close(): Promise<void>;
}

// Written as objects so that the compiler asks for every field.
const loadFields = fieldsOf<LoadOptions>({
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
  foldBatchNorm: 0,
  convolution: 0,
  tile: 0,
  signal: 0,
  onProgress: 0,
  gpu: 0,
  gpuDevice: 0,
  wasm: 0,
});
const preprocessFields = fieldsOf<Preprocess>({ crop: 0, resize: 0, mode: 0, interpolation: 0, mean: 0, std: 0 });
const classifyFields = fieldsOf<ClassifyOptions>({ topK: 0, minScore: 0, signal: 0 });
const runFields = fieldsOf<RunOptions>({ shape: 0, signal: 0 });

function fieldsOf<Options>(fields: Record<keyof Options, 0>): string[] {
  return Object.keys(fields);
}

function isKnown(given: unknown, known: readonly string[]): boolean {
  const fields = typeof given === "object" && given !== null ? Object.entries(given) : null;
  return fields?.every(([field, value]) => value === undefined || known.includes(field)) ?? false;
}

/** Throws the `OptionError` for a field that is not known: what it says comes when it is needed. */
async function refuse(given: unknown, known: readonly string[], what: string): Promise<void> {
  (await import("./nearest.js")).checkFields(given, known, what);
}

type Open = (source: ModelSource, options: LoadOptions) => Promise<Session>;

/** The two ways in, for one host. `defaultModel`: of a classifier without a source. */
export function createApi<Image>(defaultModel: () => ModelSource, open: Open) {
  const opened = async (source: ModelSource, options: LoadOptions) => {
    if (!isKnown(options, loadFields)) await refuse(options, loadFields, "load option");
    if (options.preprocess && !isKnown(options.preprocess, preprocessFields))
      await refuse(options.preprocess, preprocessFields, "preprocess option");
    return open(source, options);
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

class SessionModel implements Model {
  readonly input;
  constructor(private readonly session: Session) {
    this.input = { shape: session.inputShape as Model["input"]["shape"], layout: "NCHW" as const };
  }
  get labels() {
    return this.session.labels;
  }
  get preprocess() {
    return this.session.preprocess;
  }
  get plan() {
    return this.session.plan;
  }
  get stats() {
    return this.session.stats;
  }
  async run(input: Float32Array | GPUBuffer, options: RunOptions = {}) {
    if (!isKnown(options, runFields)) await refuse(options, runFields, "run option");
    return { logits: await this.session.run(input, options) };
  }
  close() {
    return this.session.close();
  }
}

class SessionClassifier<Image> implements Classifier<Image> {
  constructor(private readonly session: Session) {}
  get labels() {
    return this.session.labels;
  }
  get doubts() {
    return this.session.doubts;
  }
  get plan() {
    return this.session.plan;
  }
  get stats() {
    return this.session.stats;
  }
  classify(image: Image, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(images: readonly Image[], options?: ClassifyOptions): Promise<Prediction[][]>;
  async classify(
    input: Image | readonly Image[],
    options: ClassifyOptions = {},
  ): Promise<Prediction[] | Prediction[][]> {
    if (!isKnown(options, classifyFields)) await refuse(options, classifyFields, "classify option");
    if (!Array.isArray(input)) return this.session.classify(input as Image, options);
    const one = async (image: Image, index: number) => {
      try {
        return await this.session.classify(image, options);
      } catch (error) {
        if (error instanceof ResnetEdgeError) error.message = `Image ${index + 1} of ${input.length}: ${error.message}`;
        throw error;
      }
    };
    return Promise.all(input.map(one));
  }
  close() {
    return this.session.close();
  }
}
