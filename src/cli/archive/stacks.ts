import { Queue } from "../../base/queue.js";
import type { Stack } from "../../cpu/stacked.js";
import type { GpuInput, Range } from "../../engine.js";
import { GpuInputError } from "../../errors.js";
import { COUNT } from "../../graph/stacked.js";
import { normalised } from "../../image/preprocess.js";
import type { Preprocess } from "../../options.js";
import type { Look } from "../../schedule/placing.js";
import type { SessionInPlace } from "../../session/session.js";
import type { Picture } from "./messages.js";

type Scheduling = SessionInPlace["scheduler"];

interface Waiting {
  readonly ms: number;
  readonly input: object;
  readonly resolve: (logits: Float32Array) => void;
  readonly reject: (error: unknown) => void;
}

const NONE = new Uint8Array(0);

/** Milliseconds without another picture after which a stack runs with those that it has. Only slow addresses take that long. */
const PATIENCE = 500;

/** Runs a network on several pictures that are asked for at once: each through the first stages, a stack of them through the last. */
export class Stacks implements Scheduling {
  readonly #queue = new Queue();
  readonly #waiting: Waiting[] = [];
  readonly #took = new WeakMap<object, number>();
  /** Every picture's planes, one after the other: of those that wait nothing is kept here. */
  #planes = new Float32Array(0);
  #timer: NodeJS.Timeout | undefined;

  /** `alone`: for what is no whole run of one picture. `onPassed`: called once for each that is, when the next one can run. */
  constructor(
    private readonly stack: Stack,
    private readonly alone: Scheduling,
    private readonly onPassed: () => void,
  ) {}

  get plan() {
    return this.alone.plan;
  }

  get stats() {
    return this.alone.stats;
  }

  /** Pictures of a whole stack. */
  get depth() {
    return COUNT;
  }

  /** Milliseconds that a picture's run took, with its share of the stack's; undefined for one that ran alone. */
  readonly tookOf = (input: object): number | undefined => this.#took.get(input);

  /** A picture for `run`, normalised when its turn comes; its crop is let go then. */
  inputOf(picture: { rgb: Picture["rgb"] }, spec: Preprocess): GpuInput {
    const read = async () => {
      const { rgb } = picture;
      if (rgb.length > 0) {
        if (this.#planes.length !== rgb.length) this.#planes = new Float32Array(rgb.length);
        normalised(rgb, spec, this.#planes);
      }
      picture.rgb = NONE;
      return this.#planes;
    };
    return { read, run: () => Promise.reject(new GpuInputError("Workers of the command have no GPU.")) };
  }

  async run(input: Float32Array | GpuInput, look?: Look, range?: Range): Promise<Float32Array> {
    if (range) return this.alone.run(input, look, range);
    const { logits } = await this.#queue.run(() => this.#put(input, look).finally(this.onPassed));
    return logits;
  }

  async #put(
    input: Float32Array | GpuInput,
    look: Look | undefined,
  ): Promise<{ readonly logits: Promise<Float32Array> }> {
    const image = input instanceof Float32Array ? input : await input.read();
    const start = performance.now();
    // The look's own logits are those of a picture alone, which may differ in their last bits.
    if (look) {
      await look(image);
      this.stack.add();
    } else this.stack.put(image);
    const ms = performance.now() - start;
    const logits = new Promise<Float32Array>((resolve, reject) => this.#waiting.push({ ms, input, resolve, reject }));
    // Its reader comes a moment later.
    logits.catch(() => {});
    if (this.stack.isFull) this.#answer();
    else this.#wait();
    return { logits };
  }

  /** Nobody will complete the present stack. */
  async finish(): Promise<void> {
    await this.#queue.run(async () => this.#answer());
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.finish(), PATIENCE);
  }

  #answer(): void {
    clearTimeout(this.#timer);
    const waiting = this.#waiting.splice(0);
    if (waiting.length === 0) return;
    try {
      const start = performance.now();
      const logits = this.stack.run();
      const share = (performance.now() - start) / waiting.length;
      for (const [index, { input, ms, resolve }] of waiting.entries()) {
        this.#took.set(input, ms + share);
        resolve(logits[index]!);
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }

  async close(): Promise<void> {
    await this.finish();
    await this.alone.close();
  }
}
