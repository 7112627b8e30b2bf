import { onAbort } from "../base/abort.js";
import { isKind } from "../base/kind.js";
import { NEARLY_MS } from "../base/nearly.js";
import type { EngineStats } from "../engine.js";
import { ClosedError, ResnetEdgeError, throwIfAborted, WorkerError } from "../errors.js";
import type { Answers, AskedFor, What } from "../features/asked.js";
import type { Architecture } from "../graph/network.js";
import { elementCount } from "../graph/tensor.js";
import type { EntryHost } from "../host/entry-host.js";
import type {
  ClassifyOptions,
  LoadOptions,
  ModelSource,
  Prediction,
  Preprocess,
  Progress,
  RunOptions,
} from "../options.js";
import { Plan } from "../plan.js";
import { imagesIn, isGpuBuffer } from "../session/input.js";
import type { Session } from "../session/session.js";
import { type Connect, connector, type Listener, NoWorker } from "./connect.js";
import { receiveError } from "./errors.js";
import type { WorkerHandle } from "./handle/handle.js";
import { BURST_MS, Mailbox, SHORT_MS } from "./mailbox.js";
import type { Answer, Ask, Facts, State } from "./messages.js";
import { keepSource } from "./source.js";

/** A worker that has not closed by then is terminated all the same. */
const CLOSE_MS = 1000;
/** Requests that the worker has at a time: one that it works on, and one so that it need not wait for the next. */
const WINDOW = 2;
/** After an answer that was looked for in vain, so many are not: where cores are few, who looks takes one from who works. */
const UNWATCHED = 16;

const refusals = () => import("./refusals.js");

/** Opens a session in a worker, or in place where there can be none: `stats.threadsReason` says so. */
export async function openSession(host: EntryHost, source: ModelSource, options: LoadOptions = {}): Promise<Session> {
  const { worker = "auto", gpu, gpuDevice } = options;
  if (worker === false) return host.openInPlace(source, options);
  if (gpu || gpuDevice) {
    return host.openInPlace(source, options, "in place: a GPU cannot be sent to a worker");
  }
  if (!isKind(worker, "URL", "String")) {
    throw (await refusals()).refuseWorker(worker);
  }
  throwIfAborted(options.signal);
  const kept = await keepSource(host, source);
  const session = new WorkerSession(host.sendImage, connector(host, kept, options));
  try {
    await session.open(options.signal, options.onProgress);
    return session;
  } catch (error) {
    if (!(error instanceof NoWorker)) throw error;
    return host.openInPlace(kept, options, `in place: ${error.message}`);
  }
}

interface Call {
  readonly id: number;
  /** The message, made when its turn comes: what waits costs nothing but the caller's own data. */
  readonly ask: () => Promise<[Ask, Transferable[]]> | [Ask, Transferable[]];
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  /** What may go by the mailbox. */
  readonly input: Float32Array | undefined;
  aborted: boolean;
}

/** A session that lives in a worker. It keeps the queue: a worker that dies takes with it only what it was working on. */
class WorkerSession implements Session, Listener {
  readonly #sendImage: EntryHost["sendImage"];
  readonly #connect: Connect;
  #worker: WorkerHandle | null = null;
  #facts!: Facts;
  #state!: State;
  #shownPlan: Plan | null = null;
  #waiting: Call[] = [];
  readonly #flying = new Map<number, Call>();
  #mailbox: Mailbox | null = null;
  /** When the last answer began to be looked for, and how many are waited for by message. */
  #watchedFrom = Number.POSITIVE_INFINITY;
  #unwatched = 0;
  /** Images that the worker has sent back. */
  #spares: Float32Array<ArrayBuffer>[] = [];
  #pumping = false;
  #lastId = 0;
  #closed = false;
  #closing: Promise<void> | null = null;
  /** Tells `close`, which waits, that nothing is under way. */
  #idle: (() => void) | undefined;

  /** `connect`: starts a worker and opens the model there; again, where one was lost. */
  constructor(sendImage: EntryHost["sendImage"], connect: Connect) {
    this.#sendImage = sendImage;
    this.#connect = connect;
  }

  get inputShape(): [number, number, number, number] {
    return this.#facts.inputShape;
  }
  get labels(): readonly string[] | null {
    return this.#facts.labels;
  }
  get preprocess(): Preprocess {
    return this.#facts.preprocess;
  }
  get assumed(): Partial<Architecture> {
    return this.#facts.assumed;
  }
  get embedding(): number | null {
    return this.#facts.embedding;
  }
  get doubts(): readonly string[] {
    return this.#state.doubts;
  }
  get stats(): EngineStats {
    return this.#state.stats;
  }
  get plan(): Plan {
    const { stages, summary } = this.#state.plan;
    if (this.#shownPlan?.stages !== stages) this.#shownPlan = new Plan(stages, summary);
    return this.#shownPlan!;
  }

  async run(input: Float32Array | GPUBuffer, { signal, shape }: RunOptions = {}): Promise<Float32Array> {
    if (isGpuBuffer(input)) {
      throw (await refusals()).refuseBuffer();
    }
    const { inputShape } = this;
    if (!imagesIn(input, inputShape, shape)) {
      (await import("../session/refuse-input.js")).refuseInput(input, inputShape, shape);
    }
    const ask: Call["ask"] = () => {
      const spare = this.#spares.pop();
      const copy = spare?.length === input.length ? spare : new Float32Array(input.length);
      copy.set(input);
      return [{ kind: "run", input: copy }, [copy.buffer]];
    };
    return this.#call(ask, signal, input);
  }

  classify(image: unknown, { signal, ...options }: ClassifyOptions): Promise<Prediction[]> {
    return this.#call(async () => {
      const [sent, transfer] = await this.#sendImage(image);
      return [{ kind: "classify", image: sent, options }, transfer];
    }, signal);
  }

  features<W extends What>(asked: AskedFor<W>, signal?: AbortSignal | null): Promise<Answers[W]> {
    return this.#call(async () => {
      if (!("image" in asked)) return [{ kind: "features", asked }, []];
      const [image, transfer] = await this.#sendImage(asked.image);
      return [{ kind: "features", asked: { ...asked, image } }, transfer];
    }, signal);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  /** The worker lets its threads and its GPU go before it is terminated: nobody else could. */
  async #shut(): Promise<void> {
    if (this.#waiting.length || this.#flying.size) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    if (!this.#worker) return;
    const closed = this.#enqueue(() => [{ kind: "close" }, []]).catch(() => {});
    // The worker keeps Node's process until it has answered; this timer does not.
    const late = new Promise((resolve) => (setTimeout(resolve, CLOSE_MS) as { unref?(): void }).unref?.());
    await Promise.race([closed, late]);
    await this.#worker?.terminate();
    this.#worker = null;
  }

  /** Starts the worker and opens the model there. Throws `NoWorker` where it does not come up. */
  async open(signal?: AbortSignal | null, onProgress?: (progress: Progress) => void): Promise<void> {
    [this.#worker, this.#facts, this.#state] = await this.#connect(this, signal, onProgress);
  }

  #call<T>(ask: Call["ask"], signal?: AbortSignal | null, input?: Float32Array): Promise<T> {
    if (this.#closed) return Promise.reject(new ClosedError("This model was closed; load it again."));
    if (signal?.aborted) return Promise.reject(signal.reason);
    return this.#enqueue(ask, signal, input);
  }

  #enqueue<T>(ask: Call["ask"], signal?: AbortSignal | null, input?: Float32Array): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const call: Call = {
        id: ++this.#lastId,
        ask,
        input,
        resolve: (value) => {
          forget();
          resolve(value);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
        aborted: false,
      };
      const forget = onAbort(signal, () => {
        call.aborted = true;
        call.reject(signal!.reason);
        if (this.#flying.has(call.id)) this.#worker?.post({ kind: "abort", id: call.id });
        else this.#waiting = this.#waiting.filter((other) => other !== call);
        this.#pump();
      });
      this.#waiting.push(call);
      this.#pump();
    });
  }

  /** Sends what waits, as far as the window goes. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#waiting.length > 0 && this.#flying.size < WINDOW) {
      const call = this.#waiting[0]!;
      try {
        if (!this.#worker) await this.open();
      } catch (error) {
        const failure =
          error instanceof ResnetEdgeError
            ? error
            : new WorkerError(`The worker could not be started again: ${(error as Error).message}.`);
        for (const { reject } of this.#waiting.splice(0)) reject(failure);
        break;
      }
      const worker = this.#worker;
      if (this.#mail(call)) continue;
      let transfer: Transferable[] = [];
      try {
        let message: Ask;
        [message, transfer] = await call.ask();
        // It died meanwhile, or nobody waits any more: the message is made again, or not at all.
        if (this.#worker !== worker || call.aborted) continue;
        this.#waiting.shift();
        this.#flying.set(call.id, call);
        worker!.hold(true);
        worker!.post({ id: call.id, ...message }, transfer);
      } catch (error) {
        this.#flying.delete(call.id);
        this.#waiting = this.#waiting.filter((other) => other !== call);
        call.reject(error);
      } finally {
        // Nothing is left of what was posted; of the rest, a camera has few frames to give away.
        for (const it of transfer) (it as Partial<VideoFrame>).close?.();
      }
    }
    this.#pumping = false;
    this.#rest();
  }

  /** Leaves a call's input in the mailbox, where nothing is under way that it could overtake. False: it did not. */
  #mail({ id, input }: Call): boolean {
    const mailbox = this.#mailbox;
    if (!mailbox || input?.length !== mailbox.input.length || this.#flying.size > 0) return false;
    mailbox.input.set(input);
    const awake = mailbox.request.put(id);
    if (!awake) this.#worker!.post({ kind: "collect", id });
    this.#flying.set(id, this.#waiting.shift()!);
    if (this.#unwatched > 0) {
      this.#unwatched--;
      return true;
    }
    if (awake) this.#watchedFrom = performance.now();
    this.#watch(SHORT_MS);
    return true;
  }

  /** Its answer comes in a moment, and the next one's will not before such word. */
  expected(): void {
    this.#unwatched = UNWATCHED;
    this.#watch(1.5 * NEARLY_MS);
  }

  #watch(ms: number): void {
    this.#mailbox?.answer.watch(ms, this.#take, BURST_MS);
  }

  /** An answer from the mailbox. */
  readonly #take = (id: number): void => {
    this.#watchedFrom = Number.POSITIVE_INFINITY;
    this.#settle({ id, value: this.#mailbox!.logits.slice() });
  };

  answered(news: Answer): void {
    this.#mailbox?.answer.shut();
    if (performance.now() - this.#watchedFrom > SHORT_MS) this.#unwatched = UNWATCHED;
    this.#watchedFrom = Number.POSITIVE_INFINITY;
    const length = elementCount(this.inputShape);
    if ("mailbox" in news && news.mailbox) this.#mailbox = new Mailbox(news.mailbox, length);
    if ("spare" in news && news.spare?.length === length && this.#spares.length < WINDOW) this.#spares.push(news.spare);
    this.#settle(news);
  }

  #settle(news: Answer): void {
    const call = this.#flying.get(news.id);
    if (news.state) this.#state = news.state;
    if (!call) return;
    this.#flying.delete(news.id);
    if ("error" in news) call.reject(receiveError(news.error));
    else call.resolve(news.value as never);
    this.#pump();
  }

  lost(worker: WorkerHandle, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    worker.terminate();
    // An answer that it left last is taken.
    this.#mailbox?.answer.shut();
    this.#mailbox = null;
    const lost = [...this.#flying.values()];
    this.#flying.clear();
    for (const { reject } of lost) {
      reject(new WorkerError(`The worker stopped during this request (${reason}); the next one starts a new worker.`));
    }
    this.#pump();
  }

  /** Nothing is under way: the process need not stay for this worker, and `close` may go on. */
  #rest(): void {
    if (this.#waiting.length || this.#flying.size || this.#pumping) return;
    this.#worker?.hold(false);
    this.#idle?.();
  }
}
