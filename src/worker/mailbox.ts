/** The part of the browsers' task scheduler that is used; Safari and Node have none. */
interface TaskScheduler {
  postTask(task: () => void, options: { priority: "background" }): unknown;
}

const { scheduler } = globalThis as { scheduler?: Partial<TaskScheduler> };

/** An answer is looked for so long after it was asked for; those of longer inferences are from word that they are nearly done. */
export const SHORT_MS = 2;
/** How long on end either looks: nothing else happens in its thread meanwhile. */
export const BURST_MS = 0.05;
/** Words of a slot's state lie on cache lines of their own. */
const LINE = 16;
const HEAD_BYTES = 2 * LINE * 4;
const SHUT = 0;
const OPEN = 1;
const FULL = 2;

/**
 * One request and its answer in shared memory, for a page and a worker that are both awake. A message wakes a sleeping
 * thread, which takes a tenth of a millisecond or two each way, and a small network takes less than one: so the page looks
 * for the answer to what lies here, and the worker, for a while after an inference, for the next request; either leaves
 * word where the other looks. Where it does not, a message says so. Before a longer inference ends, a message wakes the page in
 * time to look.
 */
export class Mailbox {
  readonly request: Slot;
  readonly answer: Slot;
  readonly input: Float32Array;
  readonly logits: Float32Array;

  constructor(
    readonly memory: SharedArrayBuffer,
    inputs: number,
  ) {
    const words = new Int32Array(memory, 0, 2 * LINE);
    this.request = new Slot(words, 0);
    this.answer = new Slot(words, LINE);
    this.input = new Float32Array(memory, HEAD_BYTES, inputs);
    this.logits = new Float32Array(memory, HEAD_BYTES + 4 * inputs);
  }

  /** A mailbox, or undefined where memory cannot be shared, looking cannot be told apart from work, or there is one core. */
  static open(inputs: number, outputs: number): Mailbox | undefined {
    if (!globalThis.crossOriginIsolated || typeof SharedArrayBuffer === "undefined") return undefined;
    if (!scheduler?.postTask || navigator.hardwareConcurrency === 1) return undefined;
    return new Mailbox(new SharedArrayBuffer(HEAD_BYTES + 4 * (inputs + outputs)), inputs);
  }
}

/** A place where one thread leaves word and the other looks for it. */
class Slot {
  #until = 0;
  #burst = 0;
  #take: ((id: number) => void) | null = null;
  #ticking = false;

  constructor(
    private readonly words: Int32Array,
    private readonly at: number,
  ) {}

  /** Leaves word that what belongs to it was written, where the other thread looks for it. False: nothing was left. */
  put(id: number): boolean {
    if (Atomics.load(this.words, this.at) !== OPEN) return false;
    Atomics.store(this.words, this.at + 1, id);
    return Atomics.compareExchange(this.words, this.at, OPEN, FULL) === OPEN;
  }

  /**
   * Looks for word for so many ms, in tasks of the lowest priority: everything else in this thread goes first. Each task
   * looks for `burst` ms on end.
   */
  watch(ms: number, take: (id: number) => void, burst = 0): void {
    this.#until = performance.now() + ms;
    this.#burst = burst;
    // One that is open already may hold word.
    if (!this.#take) Atomics.store(this.words, this.at, OPEN);
    this.#take = take;
    if (this.#ticking) return;
    this.#ticking = true;
    this.#tick();
  }

  /** Takes what is there. Before a message is read, or that would overtake it. */
  look(): void {
    if (this.#take && Atomics.load(this.words, this.at) === FULL) this.shut();
  }

  /** Looks no more; what came last is taken. */
  shut(): void {
    const take = this.#take;
    this.#take = null;
    if (take && Atomics.exchange(this.words, this.at, SHUT) === FULL) take(Atomics.load(this.words, this.at + 1));
  }

  readonly #tick = (): void => {
    const begin = performance.now();
    let now = begin;
    do {
      this.look();
      now = performance.now();
    } while (this.#take && now - begin < this.#burst);
    if (now > this.#until) this.shut();
    this.#ticking = this.#take !== null;
    if (this.#ticking) scheduler!.postTask!(this.#tick, { priority: "background" });
  };
}
