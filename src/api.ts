import type { EngineStats } from "./engine.js";
import type { Host } from "./host.js";
import type { ClassifyOptions, LoadOptions, ModelSource, Prediction, Preprocess } from "./options.js";
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
  run(input: Float32Array | GPUBuffer, options?: { signal?: AbortSignal | null }): Promise<{ logits: Float32Array }>;
  readonly plan: Plan;
  readonly stats: EngineStats;
  close(): Promise<void>;
}

/** A network that takes images. */
export interface Classifier<Image> {
  classify(image: Image, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(images: readonly Image[], options?: ClassifyOptions): Promise<Prediction[][]>;
  readonly labels: readonly string[] | null;
  readonly plan: Plan;
  readonly stats: EngineStats;
  close(): Promise<void>;
}

/** The two ways in, for one host. */
export function createApi<Image>(host: Host) {
  return {
    async loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
      return new SessionModel(await openSession(host, source, options));
    },
    async loadClassifier(
      source: ModelSource = host.defaultModel,
      options: LoadOptions = {},
    ): Promise<Classifier<Image>> {
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
  async run(input: Float32Array | GPUBuffer, options: { signal?: AbortSignal | null } = {}) {
    return { logits: await this.session.run(input, options.signal) };
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
    if (Array.isArray(input)) return Promise.all(input.map((image) => this.session.classify(image, options)));
    return this.session.classify(input, options);
  }
  close() {
    return this.session.close();
  }
}
