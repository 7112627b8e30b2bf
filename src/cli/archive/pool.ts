import { totalmem } from "node:os";
import { Worker } from "node:worker_threads";
import { WorkerError } from "../../errors.js";
import { beside } from "../../host/beside-node.js";
import { receiveError } from "../../worker/errors.js";
import { endWorker } from "../../worker/handle/node.js";
import type { Answer, Answering, Wanted } from "./answering.js";
import type { Picture, Ready, Task, Word } from "./messages.js";

/** Pictures that a worker has: one that it works on, and the next. What it holds back until a stack is whole is not counted. */
const UNDER_WAY = 2;
/** Workers that may end by themselves before nobody is started in their place any more. */
const MOST_LOST = 3;
/** Of the machine's memory, for the models of all workers. */
const SHARE_OF_MEMORY = 0.25;

/** Of a worker's young objects, which are few. V8's own limit is 48: garbage would fill it. */
const YOUNG_MB = 3;

interface Asked extends Picture {
  /** Once more, where a worker ended with it. */
  isRepeated: boolean;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** One worker, with what it works on. */
class Member {
  readonly tasks = new Map<number, Asked>();
  /** Of these, pictures that it works on, or will. */
  underWay = 0;
  readonly ready: Promise<Ready>;
  doubts: readonly string[] = [];
  readonly #worker: Worker;

  constructor(
    wanted: Wanted,
    onPassed: (member: Member) => void,
    onEnd: (reason: string) => void,
    onPacking?: (bytes: number) => void,
  ) {
    const file = beside(import.meta.url, () => new URL("./cli-worker.js", import.meta.url));
    // Functions cannot be sent.
    const load = { ...wanted.load, onProgress: undefined, signal: undefined };
    const workerData = { ...wanted, source: `${wanted.source}`, load };
    this.#worker = new Worker(file, { workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    this.ready = new Promise((resolve, reject) => {
      let ended = false;
      const end = (reason: string) => {
        if (ended) return;
        ended = true;
        reject(new WorkerError(`A worker could not load the model: ${reason}.`));
        onEnd(reason);
      };
      this.#worker.on("message", (word: Word) => {
        if ("ready" in word) resolve(word.ready);
        else if ("refused" in word) reject(receiveError(word.refused));
        else if ("packing" in word) onPacking?.(word.packing);
        else if ("passed" in word) {
          this.underWay--;
          onPassed(this);
        } else {
          const task = this.tasks.get(word.id)!;
          this.tasks.delete(word.id);
          if ("error" in word) task.reject(receiveError(word.error));
          else {
            this.doubts = word.doubts;
            task.resolve(word.answer);
          }
        }
      });
      this.#worker.on("error", (error) => end(error.message));
      this.#worker.on("exit", (code) => end(`it exited with code ${code}`));
    });
    // The caller that awaits it hears of a failure.
    this.ready.catch(() => {});
  }

  give(task: Asked): void {
    this.tasks.set(task.id, task);
    this.underWay++;
    // Shared memory or a copy: a worker may end with it.
    this.#send({ id: task.id, rgb: task.rgb });
  }

  /** It has nothing to wait for. */
  finish(): void {
    this.#send({ last: true });
  }

  #send(task: Task): void {
    this.#worker.postMessage(task);
  }

  end(): Promise<void> {
    return endWorker(this.#worker);
  }
}

/**
 * Sessions in workers, each with one thread, on pictures of their own: for many pictures that is faster than several threads on
 * one, which wait for each other at every layer.
 */
export class Pool implements Answering {
  readonly #members: Member[] = [];
  readonly #waiting: Asked[] = [];
  #isFinished = false;
  /** Workers know that, and have been given nothing since. */
  #isTold = false;
  #closed = false;
  #lost = 0;
  #last = 0;
  /** Why nobody is left. */
  #end: WorkerError | null = null;
  /** Of late, how often a worker was done with a picture and had no other: 0..1. */
  #starving = 0;
  #ready: Ready | null = null;

  private constructor(private readonly wanted: Wanted) {}

  /**
   * The first worker measures alone: what it finds is kept for the others. These start while it packs its weights, where there is memory
   * enough at any rate; else its own memory tells how many there may be. Null where that is one, although more were asked for.
   */
  static async open(wanted: Wanted, count: number): Promise<Pool | null> {
    // Workers compute on the CPU: `--device gpu` starts none, and with "auto" each would ask Deno for a GPU of its own.
    const pool = new Pool({ ...wanted, load: { ...wanted.load, threads: 1, device: "cpu" } });
    try {
      const room = SHARE_OF_MEMORY * memory();
      const fill = (width: number) => {
        while (!pool.#closed && pool.width < width) pool.#start();
      };
      pool.#ready = await pool.#start((bytes) => count * bytes <= room && fill(count)).ready;
      const width = Math.min(count, Math.floor(room / pool.#ready.bytes));
      if (pool.width < 2 && width < 2 && count > 1) {
        await pool.close();
        return null;
      }
      fill(width);
      return pool;
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  get preprocess() {
    return this.#ready!.preprocess;
  }

  get isShare() {
    return this.#ready!.isShare;
  }

  get doubts() {
    return this.#members[0]?.doubts ?? [];
  }

  get width() {
    return this.#members.length;
  }

  get depth() {
    return this.#ready!.depth;
  }

  get isStarving() {
    return this.#starving > 0.5;
  }

  answer(rgb: Picture["rgb"]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#end) throw this.#end;
      this.#waiting.push({ id: this.#last++, rgb, isRepeated: false, resolve, reject });
      this.#next();
    });
  }

  finish(): void {
    this.#isFinished = true;
    this.#next();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#members.map((member) => member.end()));
  }

  #start(onPacking?: (bytes: number) => void): Member {
    const onPassed = (member: Member) => {
      this.#starving += ((member.underWay === 0 ? 1 : 0) - this.#starving) / 16;
      this.#next();
    };
    const member = new Member(this.wanted, onPassed, (reason) => this.#lose(member, reason), onPacking);
    this.#members.push(member);
    return member;
  }

  /** Gives each waiting picture to the worker that has fewest. */
  #next(): void {
    while (this.#waiting.length > 0) {
      const free = this.#members.reduce((least, it) => (it.underWay < least.underWay ? it : least));
      if (free.underWay >= UNDER_WAY) return;
      free.give(this.#waiting.shift()!);
      this.#isTold = false;
    }
    if (!this.#isFinished || this.#isTold) return;
    this.#isTold = true;
    for (const member of this.#members) member.finish();
  }

  /** A worker that ended by itself: its pictures go to others, once. */
  #lose(member: Member, reason: string): void {
    if (this.#closed) return;
    this.#members.splice(this.#members.indexOf(member), 1);
    for (const task of [...member.tasks.values()].reverse()) {
      if (task.isRepeated) task.reject(new WorkerError(`The worker that had this picture ended: ${reason}.`));
      else this.#waiting.unshift(Object.assign(task, { isRepeated: true }));
    }
    if (this.#ready && ++this.#lost <= MOST_LOST) this.#start();
    if (this.#members.length > 0) this.#next();
    else {
      this.#end = new WorkerError(`All workers have ended: ${reason}.`);
      for (const task of this.#waiting.splice(0)) task.reject(this.#end);
    }
  }
}

/** Bytes of memory of this machine, or of the container in it. */
function memory(): number {
  const constrained = process.constrainedMemory?.() ?? 0;
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
