import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { onAbort } from "../base/abort.js";
import { ImageDecodeError } from "../errors.js";
import { MAX_PIXELS } from "../limits.js";
import { decodeEncoded } from "./decode-encoded.js";
import { frame, PICTURE, Unframer } from "./framing.js";
import { orGivenUp } from "./give-up.js";
import { inTime } from "./in-time.js";
import type { Pixels } from "./pixels.js";

/** Pictures that are decoded at a time, each in a process of its own. */
const PROCESSES = 2;
/** What was given up may take this long to end by itself; after that its process is killed. */
const GRACE_MS = 100;

type Answer = { readonly pixels: Pixels } | { readonly error: string };

/**
 * A process that decodes one picture at a time. Pictures come from anywhere and decoders are large: one that hangs, crashes or
 * eats memory takes only its process with it.
 */
class DecoderProcess {
  readonly #child: ChildProcess;
  #settle: ((answer: Answer) => void) | null = null;
  /** It has said a word: before that an end means that processes cannot be had here. */
  alive = false;
  ended = false;

  constructor(file: string) {
    this.#child = fork(file, [], { stdio: ["pipe", "pipe", "ignore", "ipc"], execArgv: [] });
    const answers = new Unframer(3 * MAX_PIXELS, ([kind, width, height], body) => {
      if (kind === 2) this.alive = true;
      else if (kind === 1) this.#answer({ error: Buffer.from(body).toString() });
      else this.#answer({ pixels: { data: body, width: width!, height: height!, channels: 3 } });
    });
    this.#child.stdout!.on("data", (bytes: Buffer) => answers.push(bytes) || this.kill());
    this.#child.stdin!.on("error", () => {});
    this.#child.on("error", () => this.#end("it could not be started"));
    this.#child.on("exit", (code, signal) => this.#end(signal ?? `code ${code}`));
    this.#hold(false);
  }

  get busy(): boolean {
    return this.#settle !== null;
  }

  decode(bytes: Uint8Array): Promise<Answer> {
    this.#hold(true);
    this.#child.stdin!.write(frame([0, 0, 0], bytes.length));
    this.#child.stdin!.write(bytes);
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #end(how: string): void {
    this.ended = true;
    this.#answer({
      error: `${PICTURE} could not be decoded: the process that did so ended (${how}). The picture is damaged, or too large for this machine's memory.`,
    });
  }

  #answer(answer: Answer): void {
    this.#settle?.(answer);
    this.#settle = null;
    // In Deno, what could not be started cannot be let go either.
    if (!this.ended) this.#hold(false);
  }

  /** Whether the caller's process stays for this one. */
  #hold(on: boolean): void {
    const { channel, stdin, stdout } = this.#child;
    channel?.unref();
    for (const it of [this.#child, stdin as Writable, stdout as Readable] as unknown as {
      ref(): void;
      unref(): void;
    }[])
      on ? it.ref() : it.unref();
  }
}

const processes: DecoderProcess[] = [];
const waiting: (() => void)[] = [];
/** Where processes cannot be had, pictures are decoded in this one. */
let obstacle = false;

/** Starts the first process ahead of its first picture. */
export function prepareDecoder(): void {
  if (processes.length === 0) start();
}

/** Decodes in a process that an abort, or `DECODE_MS` of its work, ends at once. The wait for a process has no limit of its own. */
export async function decodeApart(bytes: Uint8Array, origin: string, signal?: AbortSignal | null): Promise<Pixels> {
  while (!obstacle) {
    if (signal?.aborted) {
      // It may have been woken for this turn: the next one takes it.
      waiting.shift()?.();
      throw signal.reason;
    }
    const decoder = processes.find((it) => !it.busy && !it.ended) ?? start();
    if (!decoder) {
      if (!obstacle) await turn(signal);
      continue;
    }
    const decode = (signal: AbortSignal) => {
      const work = decoder.decode(bytes);
      return orGivenUp(work, signal, () => retire(decoder, work));
    };
    const answer = await inTime(origin, signal, decode).finally(() => waiting.shift()?.());
    if (decoder.ended && !decoder.alive) obstacle = true;
    else if ("pixels" in answer) return answer.pixels;
    else throw new ImageDecodeError(answer.error.replace(PICTURE, () => origin));
  }
  return inTime(origin, signal, (signal) => orGivenUp(decodeEncoded(bytes, origin, signal), signal));
}

function start(): DecoderProcess | null {
  for (const it of processes.filter(({ ended }) => ended)) processes.splice(processes.indexOf(it), 1);
  if (obstacle || processes.length >= PROCESSES) return null;
  try {
    // Not written as bundlers look for it: they would take the file apart from the packages that it needs.
    const name = "node-decoder.js";
    const file = fileURLToPath(new URL(`./${name}`, import.meta.url));
    if (!existsSync(file)) throw new Error("it is not there");
    const decoder = new DecoderProcess(file);
    processes.push(decoder);
    return decoder;
  } catch {
    obstacle = true;
    return null;
  }
}

/** Kills a decoder whose answer nobody wants, unless it comes in a moment. Either way whoever waits may go on then. */
function retire(decoder: DecoderProcess, work: Promise<unknown>): void {
  let done = false;
  work.finally(() => {
    done = true;
    waiting.shift()?.();
  });
  setTimeout(() => {
    if (done) return;
    decoder.kill();
    processes.splice(processes.indexOf(decoder), 1);
    waiting.shift()?.();
  }, GRACE_MS);
}

/** Settles when a process is free, or with the abort: who waits no more must not be woken in the place of another. */
function turn(signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      forget();
      resolve();
    };
    const forget = onAbort(signal, () => {
      waiting.splice(waiting.indexOf(wake), 1);
      wake();
    });
    waiting.push(wake);
  });
}
