import { Queue } from "../base/queue.js";
import type { Watch } from "../check/watch.js";
import type { EngineStats, GpuInput, GpuReader, Range } from "../engine.js";
import { ClosedError, throwIfAborted, UnsupportedModelError } from "../errors.js";
import type { Answers, AskedFor, What, Within } from "../features/asked.js";
import type { Architecture, Network } from "../graph/network.js";
import type { Host } from "../host/host.js";
import { type Frame, isFrame } from "../image/frame.js";
import { inputsOf } from "../image/inputs-of.js";
import type { ClassifyOptions, Prediction, Preprocess, RunOptions } from "../options.js";
import type { Plan } from "../plan.js";
import type { CpuFirst } from "../schedule/cpu-first.js";
import { rank, softmax } from "./classify.js";
import { imagesIn, isGpuBuffer } from "./input.js";

/** A loaded network with what is known of its images and labels, here or in a worker. Calls are answered in order. */
export interface Session {
  readonly inputShape: [number, number, number, number];
  readonly labels: readonly string[] | null;
  readonly preprocess: Preprocess;
  readonly plan: Plan;
  readonly stats: EngineStats;
  /** As `Model.assumed`. */
  readonly assumed: Partial<Architecture>;
  /** As `Classifier.doubts`. */
  readonly doubts: readonly string[];
  /** `input`: [n, 3, h, w] planes, f32; resolves to n * classes logits. A buffer is of the device in `options.gpuDevice`. */
  run(input: Float32Array | GPUBuffer, options?: RunOptions): Promise<Float32Array>;
  /** `image`: whatever the host can decode. */
  classify(image: unknown, options: ClassifyOptions): Promise<Prediction[]>;
  /** As `Classifier.embedding`. */
  readonly embedding: number | null;
  /** What lies within the network; an image is as for `classify`. */
  features<W extends What>(asked: AskedFor<W>, signal?: AbortSignal | null): Promise<Answers[W]>;
  /** Answers what was asked before, then frees everything. */
  close(): Promise<void>;
}

/** Requests under way: one is decoded, or on the other device, while the one before is run. */
const UNDER_WAY = 2;

const NONE: readonly string[] = [];

/** A session in this thread, on its devices. */
export class SessionInPlace implements Session {
  readonly #queue = new Queue(UNDER_WAY);
  #closed = false;
  #frames: Promise<GpuReader<Frame>> | null = null;
  #watching: Promise<void> | undefined;
  #watch: Watch | undefined;
  /** The last image's input. */
  #spare: Float32Array | null = null;
  #told: { readonly seen: readonly string[]; readonly all: readonly string[] } | null = null;

  constructor(
    readonly network: Network,
    readonly preprocess: Preprocess,
    readonly labels: readonly string[] | null,
    readonly assumed: Partial<Architecture>,
    /** Who runs the network. A worker of the command puts another in its place (cli/archive/stacks.ts). */
    public scheduler: Pick<CpuFirst, "run" | "plan" | "stats" | "close">,
    private readonly host: Pick<Host, "decode" | "crop" | "release" | "loadGpu" | "loadCheck" | "loadFeatures">,
    private readonly gpuDevice?: GPUDevice,
    /** Path or URL, for messages. */
    private readonly origin = "the model",
    /** Where nobody stated the structure: what looks at the first pictures. */
    private readonly loadWatch?: () => Promise<Watch>,
    /** JPEGs may shrink while they are decoded. */
    private readonly fast?: boolean,
    /** As `ModelCard.none`. */
    readonly none?: unknown,
  ) {}

  get doubts(): readonly string[] {
    const seen = this.#watch?.doubts ?? NONE;
    const { flaws = NONE } = this.network;
    if (flaws.length === 0) return seen;
    // One list while nothing changes: the worker, which sends it on, compares by identity.
    if (this.#told?.seen !== seen) this.#told = { seen, all: [...flaws, ...seen] };
    return this.#told.all;
  }

  /** From here on images count for `doubts`. What looks at them comes beside the first one, which does not wait for it. */
  startWatch(): void {
    this.#watching ??= this.loadWatch?.().then(
      (watch) => {
        this.#watch = watch;
      },
      () => {},
    );
  }

  async #infer(input: Float32Array | GpuInput, index?: number, count?: number): Promise<Float32Array> {
    const logits = await this.scheduler.run(input, this.#watch?.next());
    if (!logits.every(Number.isFinite)) {
      throw (await this.host.loadCheck()).noAnswer(logits, input, this.origin, index, count);
    }
    return logits;
  }

  get plan(): Plan {
    return this.scheduler.plan;
  }

  get inputShape(): [number, number, number, number] {
    const { channels, height, width } = this.network.values[this.network.input]!;
    return [1, channels, height, width];
  }

  get classes(): number {
    return this.network.values[this.network.output]!.channels;
  }

  get embedding(): number | null {
    const { stages, values } = this.network;
    return stages.length > 1 ? values[stages.at(-1)!.input]!.channels : null;
  }

  get stats(): EngineStats {
    return this.scheduler.stats;
  }

  async run(input: Float32Array | GPUBuffer, { signal, shape: stated }: RunOptions = {}): Promise<Float32Array> {
    const shape = this.inputShape;
    const length = shape.reduce((product, extent) => product * extent);
    const imageOf = isGpuBuffer(input)
      ? async (index: number) =>
          (await this.host.loadGpu()).bufferInput(this.gpuDevice!, input, 4 * index * length, 4 * length)
      : (index: number) => new Float32Array(input.buffer, input.byteOffset + 4 * index * length, length);
    const count = imagesIn(input, shape, stated, this.gpuDevice);
    if (!count) (await import("./refuse-input.js")).refuseInput(input, shape, stated, this.gpuDevice);
    const one = async (index: number) => {
      return this.#defined(await this.#infer(await imageOf(index), index, count));
    };
    if (count === 1) return this.#enqueue(() => one(0), signal);
    const logits = new Float32Array(count * this.classes);
    const put = async (index: number) => logits.set(await one(index), index * this.classes);
    await Promise.all(Array.from({ length: count }, (_, index) => this.#enqueue(() => put(index), signal)));
    return logits;
  }

  /** With what a network's definition ends in, and no ranking needs. */
  #defined(logits: Float32Array): Float32Array {
    const logarithm = this.network.architecture.head?.at(-1) === "log-softmax";
    return logarithm ? Float32Array.from(softmax(logits), Math.log) : logits;
  }

  /** Decoding takes part in the queue: answers come in the order of the calls, and two images are in memory at most. */
  async classify(image: unknown, options: ClassifyOptions): Promise<Prediction[]> {
    this.startWatch();
    const { signal, region, rotation } = options;
    const part = region || rotation ? { region, rotation } : undefined;
    const read = async (spare?: Float32Array | null) =>
      (await inputsOf(this.host, image, [{ ...this.preprocess, fast: this.fast }], signal, part, spare))[0]!;
    const task = async () => {
      this.checkClasses();
      if (isFrame(image) && !part) {
        const run: GpuInput["run"] = async (engine, last) => (await this.#onGpu()).run(image, engine, last);
        return (await this.answer({ read: () => read(), run }, options)).predictions;
      }
      const spare = this.#spare;
      // Nobody else's while it is in use.
      this.#spare = null;
      const input = await read(spare);
      const { predictions } = await this.answer(input, options);
      this.#spare = input;
      return predictions;
    };
    return this.#enqueue(task, signal, image);
  }

  /** One image's logits and its best classes; first of them, where it is none of a taught model's classes, index -1. */
  async answer(
    input: Float32Array | GpuInput,
    options: ClassifyOptions,
  ): Promise<{ readonly logits: Float32Array; readonly predictions: Prediction[] }> {
    if (!this.none) {
      const logits = await this.#infer(input);
      return { logits: this.#defined(logits), predictions: this.rank(logits, options) };
    }
    const { answerOrNone } = await this.host.loadFeatures();
    const { logits, none } = await answerOrNone(this.#within(options.signal), this.none, input);
    const ranked = this.rank(logits, options);
    const { topK = 5, minScore = 0 } = options;
    const predictions = none && none.score >= minScore ? [none, ...ranked].slice(0, topK) : ranked;
    return { logits, predictions };
  }

  #within(signal?: AbortSignal | null): Within {
    const { network, preprocess, labels, origin } = this;
    return {
      ...{ network, preprocess, labels, origin },
      run: async (input: Float32Array | GpuInput, range: Range) => {
        throwIfAborted(signal);
        const values = await this.scheduler.run(input, undefined, range);
        if (!values.every(Number.isFinite)) throw (await this.host.loadCheck()).noAnswer(values, input, origin);
        return values;
      },
      host: this.host,
      signal,
    };
  }

  features<W extends What>(asked: AskedFor<W>, signal?: AbortSignal | null): Promise<Answers[W]> {
    const within = this.#within(signal);
    const task = async () => (await this.host.loadFeatures()).answer(within, asked);
    return this.#enqueue(task, signal, (asked as { image?: unknown }).image);
  }

  /** The best classes of one image's logits. */
  rank(logits: Float32Array, options: ClassifyOptions): Prediction[] {
    return rank(logits, this.labels, options, this.network.architecture.scores);
  }

  /** Throws `UnsupportedModelError` where the network makes features. */
  checkClasses(): void {
    if (this.network.architecture.classes > 0) return;
    throw new UnsupportedModelError(
      `${this.origin} has no classifier: it makes features, not classes. Call loadModel(...).run() for them.`,
    );
  }

  #onGpu(): Promise<GpuReader<Frame>> {
    this.#frames ??= this.host.loadGpu().then(({ FrameInputs }) => new FrameInputs(this.preprocess));
    return this.#frames;
  }

  /** `image`: released once `task` has read it, or never will. */
  #enqueue<T>(task: () => Promise<T>, signal?: AbortSignal | null, image?: unknown): Promise<T> {
    const release = () => this.host.release?.(image);
    let begun = false;
    const answer: Promise<T> = this.#closed
      ? Promise.reject(new ClosedError("This model was closed; load it again."))
      : this.#queue.run(() => {
          begun = true;
          return task().finally(release);
        }, signal);
    // An aborted task that has begun goes on reading for a while.
    answer.catch(() => begun || release());
    return answer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue.idle();
    await (await this.#frames)?.close();
    await this.scheduler.close();
  }
}
