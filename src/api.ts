import type { EngineStats } from "./engine.js";
import { ResnetEdgeError } from "./errors.js";
import type { EntryHost } from "./host.js";
import { checkFields } from "./nearest.js";
import type { ClassifyOptions, LoadOptions, ModelSource, Prediction, Preprocess, RunOptions } from "./options.js";
import type { Plan } from "./plan.js";
import type { Session } from "./session.js";
import { openSession } from "./worker/session.js";

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
const classifyFields = fieldsOf<ClassifyOptions>({ topK: 0, minScore: 0, signal: 0 });
const runFields = fieldsOf<RunOptions>({ shape: 0, signal: 0 });

function fieldsOf<Options>(fields: Record<keyof Options, 0>): string[] {
  return Object.keys(fields);
}

/** The two ways in, for one host. */
export function createApi<Image>(host: EntryHost) {
  return {
    async loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
      checkFields(options, loadFields, "load option");
      return new SessionModel(await openSession(host, source, options));
    },
    async loadClassifier(
      source: ModelSource = host.defaultModel(),
      options: LoadOptions = {},
    ): Promise<Classifier<Image>> {
      checkFields(options, loadFields, "load option");
      return new SessionClassifier<Image>(await openSession(host, source, options));
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
    checkFields(options, runFields, "run option");
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
    checkFields(options, classifyFields, "classify option");
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
