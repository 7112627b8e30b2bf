import { checkFields } from "../base/nearest.js";
import { dot } from "../base/vectors.js";
import { ClosedError, ModelFormatError, OptionError, UnsupportedModelError } from "../errors.js";
import type { Views } from "../features/asked.js";
import { NONE, nearness, noneScore } from "../features/none.js";
import type { Prediction, Preprocess } from "../options.js";
import type { Session } from "../session/session.js";
import { type Example, logitsOf } from "./fit.js";
import type { Answer, Evaluation, Labelled, TaughtExample, Teacher, TrainOptions, TrainReport } from "./kinds.js";
import { isLabel, readState, writeState } from "./state.js";
import { interval, probabilities, type Taught, train } from "./train.js";

/** What is written into the file that `export` makes. */
export interface Lesson {
  readonly taught: Taught;
  readonly preprocess: Preprocess;
}

type Write = (lesson: Lesson) => Promise<Uint8Array<ArrayBuffer>>;

/** A picture that every teacher shows its backbone: what it makes of it tells one backbone, and its preprocessing, from another. */
function ownPicture() {
  const [width, height] = [96, 80];
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      data[at] = (255 * x) / width;
      data[at + 1] = (255 * y) / height;
      data[at + 2] = (x - 30) ** 2 + (y - 50) ** 2 < 400 ? 230 : 40 * (((x >> 3) + (y >> 3)) % 2);
    }
  }
  return { data, width, height };
}

/** How far features of that picture differ where devices and integers round otherwise; another network's differ by about their length. */
const ALIKE = 0.1;

function alike(found: Float32Array, kept: Float32Array): boolean {
  const apart = found.map((value, at) => value - kept[at]!);
  return dot(apart, apart) <= ALIKE ** 2 * dot(kept, kept);
}

/** As `Teacher`. `write`: makes a file of the backbone's own and what was learned. */
export class SessionTeacher<Image> implements Teacher<Image> {
  #examples: readonly Example[] = [];
  /** What the backbone makes of the teacher's own picture; null before the first example. */
  #probe: Views | null = null;
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
    const { examples, probe, probeLean } = readState(state, this.#features);
    this.#examples = examples;
    this.#probe = probe && { views: probe, lean: probeLean };
    this.#lastId = examples.reduce((most, { id }) => Math.max(most, id), 0);
  }

  /**
   * Throws `ModelFormatError` where the state is of another backbone, or of other preprocessing. Where it is of another classifier on the same
   * backbone, what that classifier said of the examples is dropped: with what this one says of further ones it would not go together.
   */
  async checkState(): Promise<void> {
    const kept = this.#probe;
    if (!kept) return;
    const found = await this.#probed();
    if (!alike(found.views, kept.views)) {
      throw new ModelFormatError(
        "The teacher's state is of another backbone, or its pictures were prepared otherwise.",
      );
    }
    // States that do not tell are taken as they are.
    if (kept.lean && !(found.lean && alike(found.lean, kept.lean))) {
      this.#examples = this.#examples.map((example) => ({ ...example, lean: null }));
      this.#probe = { ...kept, lean: null };
    }
  }

  #probed(signal?: AbortSignal | null): Promise<Views> {
    return this.session.features<"views">({ what: "views", image: ownPicture(), count: 1 }, signal);
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
    if (!isLabel(label)) {
      throw new OptionError(
        `A label is a text that is not empty, and not "${NONE.label}"; got ${JSON.stringify(label)}.`,
      );
    }
    const { views, lean } = await this.session.features<"views">({ what: "views", image }, signal);
    if (![...views.subarray(0, this.#features)].some((value) => value !== 0)) {
      throw new UnsupportedModelError("Every feature of this picture is zero: the network sees nothing in it.");
    }
    this.#probe ??= await this.#probed(signal);
    const id = ++this.#lastId;
    this.#examples = [...this.#examples, { id, label, views, lean }];
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
    // A state may come from the same backbone without its classifier.
    const leaning = this.#examples.every(({ lean }) => lean);
    const samples = this.#examples.map((example) => ({
      ...example,
      lean: leaning ? example.lean : null,
      class: labels.indexOf(example.label),
    }));
    const taught = await train(samples, labels, this.#features, options);
    this.#checkOpen();
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
    if (typeof images !== "object" || images === null) {
      throw new OptionError("evaluate takes an object with a list of pictures for each class.");
    }
    const confusion = labels.map(() => labels.map(() => 0));
    let [count, right, refused] = [0, 0, 0];
    for (const [label, list] of Object.entries(images)) {
      const own = labels.indexOf(label);
      if (own < 0) throw new OptionError(`"${label}" was not taught; the classes are ${labels.join(", ")}.`);
      if (!Array.isArray(list)) throw new OptionError(`The pictures of "${label}" are no list.`);
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
    return writeState(
      { examples: this.#examples, probe: this.#probe?.views ?? null, probeLean: this.#probe?.lean ?? null },
      this.#features,
    );
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
