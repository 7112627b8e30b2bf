import { checkFields } from "../base/nearest.js";
import { ClosedError, OptionError, UnsupportedModelError } from "../errors.js";
import { NONE, nearness, noneScore } from "../features/none.js";
import type { Prediction, Preprocess } from "../options.js";
import type { Session } from "../session/session.js";
import { type Example, logitsOf } from "./fit.js";
import type { Answer, Evaluation, Labelled, TaughtExample, Teacher, TrainOptions, TrainReport } from "./kinds.js";
import { readState, writeState } from "./state.js";
import { interval, probabilities, type Taught, train } from "./train.js";

/** What is written into the file that `export` makes. */
export interface Lesson {
  readonly taught: Taught;
  readonly preprocess: Preprocess;
}

type Write = (lesson: Lesson) => Promise<Uint8Array<ArrayBuffer>>;

/** As `Teacher`. `write`: makes a file of the backbone's own and what was learned. */
export class SessionTeacher<Image> implements Teacher<Image> {
  #examples: Example[] = [];
  #lastId = 0;
  #taught: Taught | null = null;
  /** Grows with every change of the examples. */
  #version = 0;
  #closed = false;
  readonly #features: number;

  constructor(
    private readonly session: Session,
    private readonly write: Write,
    state?: Uint8Array | ArrayBuffer,
  ) {
    if (session.embedding === null) {
      throw new UnsupportedModelError("This network has a single stage: there are no features to teach from.");
    }
    this.#features = session.embedding;
    if (state === undefined) return;
    this.#examples = readState(state, this.#features);
    this.#lastId = Math.max(0, ...this.#examples.map(({ id }) => id));
  }

  get examples(): readonly TaughtExample[] {
    return this.#examples.map(({ id, label }) => ({ id, label }));
  }

  get labels(): readonly string[] {
    return [...new Set(this.#examples.map(({ label }) => label))];
  }

  get report(): TrainReport | null {
    return this.#taught?.report ?? null;
  }

  async add(label: string, image: Image, { signal }: { signal?: AbortSignal | null } = {}): Promise<number> {
    this.#checkOpen();
    if (typeof label !== "string" || label === "" || label === NONE.label) {
      throw new OptionError(
        `A label is a text that is not empty, and not "${NONE.label}"; got ${JSON.stringify(label)}.`,
      );
    }
    const { views, lean } = await this.session.features<"views">({ what: "views", image }, signal);
    if (![...views.subarray(0, this.#features)].some((value) => value !== 0)) {
      throw new UnsupportedModelError("Every feature of this picture is zero: the network sees nothing in it.");
    }
    const id = ++this.#lastId;
    this.#examples.push({ id, label, views, lean });
    this.#changed();
    return id;
  }

  remove(id: number): boolean {
    const left = this.#examples.filter((example) => example.id !== id);
    if (left.length === this.#examples.length) return false;
    this.#examples = left;
    this.#changed();
    return true;
  }

  #changed(): void {
    this.#version++;
    this.#taught = null;
  }

  async train(options: TrainOptions = {}): Promise<TrainReport> {
    checkFields(options, ["signal", "onProgress"], "train option");
    this.#checkOpen();
    const { labels } = this;
    if (labels.length < 2) {
      throw new OptionError(
        `Two classes are the least that can be told apart; there are examples of ${labels.length}.`,
      );
    }
    const version = this.#version;
    const samples = this.#examples.map((example) => ({ ...example, class: labels.indexOf(example.label) }));
    const taught = await train(samples, labels, this.#features, options);
    if (version !== this.#version) throw new OptionError("Examples changed while they were learned: train again.");
    this.#taught = taught;
    return taught.report;
  }

  async classify(image: Image, options: { topK?: number; signal?: AbortSignal | null } = {}): Promise<Answer> {
    checkFields(options, ["topK", "signal"], "classify option");
    const { topK = 5, signal } = options;
    if (!(topK >= 1)) throw new OptionError(`topK is ${topK}; it must be at least 1.`);
    const { layer, none, report } = this.#learned;
    const features = await this.session.features<"embed">({ what: "embed", image }, signal);
    const shares = probabilities(logitsOf(layer, features));
    const ranked: Prediction[] = [...shares.entries()]
      .map(([index, score]) => ({ index, label: report.labels[index]!, score }))
      .sort((a, b) => b.score - a.score || a.index - b.index);
    if (!none) return { predictions: ranked.slice(0, topK), none: null };
    const near = nearness(none, features);
    const told = {
      score: noneScore(none, near),
      nearness: near,
      threshold: none.threshold,
      refused: near < none.threshold,
    };
    const first = told.refused ? [{ ...NONE, score: told.score }] : [];
    return { predictions: [...first, ...ranked].slice(0, topK), none: told };
  }

  async evaluate(images: Labelled<Image>, { signal }: { signal?: AbortSignal | null } = {}): Promise<Evaluation> {
    const { labels } = this.#learned.report;
    const confusion = labels.map(() => labels.map(() => 0));
    let [count, right, refused] = [0, 0, 0];
    for (const [label, list] of Object.entries(images)) {
      const own = labels.indexOf(label);
      if (own < 0) throw new OptionError(`"${label}" was not taught; the classes are ${labels.join(", ")}.`);
      for (const image of list) {
        const { predictions, none } = await this.classify(image, { topK: labels.length + 1, signal: signal ?? null });
        const { index } = predictions.find((it) => it.index >= 0)!;
        confusion[own]![index]!++;
        count++;
        if (index === own) right++;
        if (none?.refused) refused++;
      }
    }
    if (count === 0) throw new OptionError("There is no picture to try.");
    return { count, accuracy: right / count, interval: interval(right, count), confusion, refused: refused / count };
  }

  async export(): Promise<Uint8Array<ArrayBuffer>> {
    return this.write({ taught: this.#learned, preprocess: this.session.preprocess });
  }

  save(): Uint8Array<ArrayBuffer> {
    return writeState(this.#examples, this.#features);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.session.close();
  }

  get #learned(): Taught {
    this.#checkOpen();
    if (!this.#taught) throw new OptionError("Nothing was learned since the examples changed: call train first.");
    return this.#taught;
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClosedError("This teacher was closed; make it again from what save gave.");
  }
}
