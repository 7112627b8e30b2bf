import { type ChildProcess, fork, type StdioOptions } from "node:child_process";
import { closeSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { onAbort } from "../base/abort.js";
import { ImageDecodeError, SourceError } from "../errors.js";
import { MAX_PIXELS } from "../limits.js";
import { openMemory, readMemory } from "./crop-memory.js";
import { decodeEncoded } from "./decode-encoded.js";
import { frame, MAX_SPEC_BYTES, PICTURE, Unframer, WITH_MEMORY } from "./framing.js";
import { orGivenUp } from "./give-up.js";
import { inTime } from "./in-time.js";
import type { Pixels } from "./pixels.js";
import { both, type CropSpec, cropped } from "./preprocess.js";

/** Pictures that are decoded at a time, each in a process of its own. */
let processesAtMost = 2;
/** What was given up may take this long to end by itself; after that its process is killed. */
const GRACE_MS = 100;

/** A picture as a network takes it, but for the normalisation. */
export interface Crop {
  /** [height, width, 3] of the crop. */
  readonly rgb: Uint8Array | Uint8ClampedArray;
  readonly decodeMs: number;
  readonly cropMs: number;
}

/** Pictures lie outside V8's heap, and go when its young objects are collected: those are few, so they must have little room. */
const FEW_YOUNG = ["--max-semi-space-size=1"];
/**
 * glibc gives each of sharp's threads a heap of its own, which keeps what was freed in it: one heap for all takes half the memory, and
 * one picture at a time asks for too little of it to wait.
 */
const decoderEnv = () => ({ MALLOC_ARENA_MAX: "1", ...process.env });

type Answer =
  | { readonly pixels: Pixels }
  | { readonly crop: Crop }
  | { readonly error: string; readonly isSource?: boolean };

/** A picture as a process is given it. */
interface Request {
  /** As JSON; empty for the whole picture. */
  readonly spec: Uint8Array;
  /** The encoded file, or the bytes of its path. */
  readonly bytes: Uint8Array;
  readonly isPath: boolean;
  /** Gives memory for its crop; absent for the whole picture. */
  readonly take?: () => Uint8Array;
}

const newMemory = (bytes: number) => new Uint8Array(bytes);

/**
 * A process that decodes one picture at a time. Pictures come from anywhere and decoders are large: one that hangs, crashes or
 * eats memory takes only its process with it.
 */
class DecoderProcess {
  readonly #child: ChildProcess;
  /** Its crops come through this file where there is one, which takes two calls of the system. A pipe takes a dozen. */
  readonly #memory: number | null;
  #settle: ((answer: Answer) => void) | null = null;
  #take: Request["take"];
  /** It has said a word: before that an end means that processes cannot be had here. */
  alive = false;
  ended = false;

  constructor(file: string) {
    const memory = openMemory();
    this.#memory = memory;
    const [words, files] = memory === null ? [[], []] : [[WITH_MEMORY], [memory]];
    const stdio: StdioOptions = ["pipe", "pipe", "ignore", "ipc", ...files];
    try {
      this.#child = fork(file, words, { stdio, execArgv: FEW_YOUNG, env: decoderEnv() });
    } catch (error) {
      if (memory !== null) closeSync(memory);
      throw error;
    }
    const answers = new Unframer(3 * MAX_PIXELS, ([kind, first, second], body) => {
      if (kind === 2) this.alive = true;
      else if (kind === 1) this.#answer({ error: Buffer.from(body).toString(), isSource: first === 1 });
      else if (kind === 3 || kind === 4) {
        const rgb = kind === 3 ? body : this.#fromMemory();
        if (rgb) this.#answer({ crop: { rgb, decodeMs: first! / 1000, cropMs: second! / 1000 } });
        else this.kill();
      } else this.#answer({ pixels: { data: body, width: first!, height: second!, channels: 3 } });
    });
    this.#child.stdout!.on("data", (bytes: Buffer) => answers.push(bytes) || this.kill());
    this.#child.stdin!.on("error", () => {});
    this.#child.on("error", () => this.#end("it could not be started"));
    this.#child.on("exit", (code, signal) => this.#end(signal ?? `code ${code}`));
    // No answer comes any more.
    this.#child.on("close", () => memory !== null && closeSync(memory));
    this.#hold(false);
  }

  get busy(): boolean {
    return this.#settle !== null;
  }

  decode({ spec, bytes, isPath, take }: Request): Promise<Answer> {
    this.#hold(true);
    this.#take = take;
    const stdin = this.#child.stdin!;
    // In one call of the system.
    stdin.cork();
    stdin.write(frame([spec.length, isPath ? 1 : 0, 0], spec.length + bytes.length));
    if (spec.length > 0) stdin.write(spec);
    stdin.write(bytes);
    stdin.uncork();
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Null where it was asked for no crop, or has left none there. */
  #fromMemory(): Uint8Array | null {
    if (this.#memory === null || !this.#take) return null;
    const rgb = this.#take();
    return readMemory(this.#memory, rgb) ? rgb : null;
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
    // Bun's channel and stdin have neither, and do not keep the caller's process alive.
    const parts = [this.#child, stdin, stdout] as unknown as { ref?(): void; unref?(): void }[];
    channel?.unref?.();
    for (const it of parts) on ? it.ref?.() : it.unref?.();
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

/** Lets more pictures be decoded at a time, for who has many of them and as many cores. */
export function allowDecoders(count: number): void {
  processesAtMost = Math.max(processesAtMost, count);
}

const WHOLE = new Uint8Array(0);

/** Decodes in a process that an abort, or `DECODE_MS` of its work, ends at once. The wait for a process has no limit of its own. */
export async function decodeApart(bytes: Uint8Array, origin: string, signal?: AbortSignal | null): Promise<Pixels> {
  const answer = await askApart({ spec: WHOLE, bytes, isPath: false }, origin, signal);
  if (answer && "pixels" in answer) return answer.pixels;
  return decodeHere(bytes, origin, signal);
}

/**
 * As `decodeApart`; what a network does not see of a picture never leaves that process. `path`: of the file, which that process reads where
 * it can; `read` is called elsewhere. `memoryOf`: gives memory for the crop, which need not come to be in it.
 */
export async function cropApart(
  { path, read }: { readonly path?: string | Buffer; readonly read: () => Uint8Array | Promise<Uint8Array> },
  { resize, crop, mode, mean, interpolation, fast }: CropSpec,
  origin: string,
  signal?: AbortSignal | null,
  memoryOf: (bytes: number) => Uint8Array = newMemory,
): Promise<Crop> {
  const spec = { resize, crop, mode, mean, interpolation, fast };
  const text = new TextEncoder().encode(JSON.stringify(spec));
  const isPath = path !== undefined;
  const { width, height } = both(crop);
  const take = () => memoryOf(3 * width * height);
  const ask = async () =>
    askApart({ spec: text, bytes: isPath ? Buffer.from(path) : await read(), isPath, take }, origin, signal);
  const answer = text.length > MAX_SPEC_BYTES ? null : await ask();
  if (answer && "crop" in answer) return answer.crop;
  const bytes = await read();
  const start = performance.now();
  const pixels = await decodeHere(bytes, origin, signal, spec);
  const decoded = performance.now();
  const rgb = cropped(pixels, spec);
  return { rgb, decodeMs: decoded - start, cropMs: performance.now() - decoded };
}

function decodeHere(bytes: Uint8Array, origin: string, signal?: AbortSignal | null, spec?: CropSpec): Promise<Pixels> {
  return inTime(origin, signal, (signal) => orGivenUp(decodeEncoded(bytes, origin, signal, spec), signal));
}

/** What a process answers; null where there can be none. Throws `ImageDecodeError` where it failed at the picture. */
async function askApart(
  request: Request,
  origin: string,
  signal?: AbortSignal | null,
): Promise<Exclude<Answer, { error: string }> | null> {
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
      const work = decoder.decode(request);
      return orGivenUp(work, signal, () => retire(decoder, work));
    };
    const answer = await inTime(origin, signal, decode).finally(() => waiting.shift()?.());
    if (decoder.ended && !decoder.alive) obstacle = true;
    else if ("error" in answer) {
      const message = answer.error.replaceAll(PICTURE, () => origin);
      throw answer.isSource ? new SourceError(message) : new ImageDecodeError(message);
    } else return answer;
  }
  return null;
}

function start(): DecoderProcess | null {
  for (const it of processes.filter(({ ended }) => ended)) processes.splice(processes.indexOf(it), 1);
  if (obstacle || processes.length >= processesAtMost) return null;
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

/** Kills a decoder whose answer nobody wants, unless it comes in a moment. Either way the next waiter goes on then. */
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
