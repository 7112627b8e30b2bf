import { readSync } from "node:fs";
import { SourceError } from "../errors.js";
import type { ArrivingValues } from "../graph/arriving.js";
import type { Pieces, Seekable } from "../source/body.js";
import { close } from "./file-calls.js";
import { readInto } from "./regular-file.js";

/** Bytes that are read at a time, of what is read from the beginning on. */
const PIECE_BYTES = 256 << 10;

/**
 * A safetensors file that is open: its header comes piece by piece, and its values stay on the disk until they are read.
 * It is closed at its end, when its values are finished, by a failure to read the beginning, or by `cancel`.
 */
export class FileBody implements Seekable {
  loaded = 0;
  ended = false;
  #isOpen = true;
  readonly #piece: Uint8Array;

  constructor(
    private readonly file: number,
    readonly origin: string,
    readonly stated: number,
    private readonly signal: AbortSignal | null | undefined,
  ) {
    this.#piece = new Uint8Array(Math.min(stated, PIECE_BYTES));
  }

  /** As `Body.next`; the memory is the same each time. */
  async next(): Promise<Uint8Array | null> {
    if (this.loaded < this.stated) return this.#take(this.#piece.subarray(0, this.stated - this.loaded));
    this.cancel();
    return null;
  }

  /** All of it, after `head`, which was read before. */
  async whole(head?: Pieces): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(this.stated);
    if (head) bytes.set(head.bytes);
    await this.#take(bytes.subarray(this.loaded));
    this.cancel();
    return bytes;
  }

  values(valuesAt: number): ArrivingValues {
    this.ended = true;
    this.loaded = this.stated;
    return new FileValues(this, valuesAt);
  }

  /** Fills `target` from byte `from` on, at once: packing, which reads, could do nothing else meanwhile. */
  readNow(target: Uint8Array, from: number): void {
    if (!this.#isOpen) throw new RangeError(`${this.origin} is closed: byte ${from} of it was not kept.`);
    for (let at = 0; at < target.length; ) {
      const count = this.#read(target.subarray(at), from + at);
      if (count === 0) throw new SourceError(`${this.origin} became shorter while it was read. Load it again.`);
      at += count;
    }
  }

  readonly cancel = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.ended = true;
    close(this.file).catch(() => {});
  };

  async #take(target: Uint8Array): Promise<Uint8Array> {
    try {
      await readInto(this.file, this.origin, target, this.loaded, this.signal);
    } catch (error) {
      this.cancel();
      throw error;
    }
    this.loaded += target.length;
    return target;
  }

  #read(target: Uint8Array, from: number): number {
    try {
      return readSync(this.file, target, 0, target.length, from);
    } catch (cause) {
      throw new SourceError(`${this.origin} could not be read: ${(cause as Error).message}.`, { cause });
    }
  }
}

interface Kept {
  readonly begin: number;
  readonly end: number;
  bytes?: Uint8Array;
}

/** The values of an open file: each is read when it is packed, and only what is wanted later is held once they are finished. */
class FileValues implements ArrivingValues {
  readonly #kept: Kept[] = [];

  constructor(
    private readonly body: FileBody,
    private readonly valuesAt: number,
  ) {}

  get loaded(): number {
    return this.body.stated - this.valuesAt;
  }

  get held(): number {
    return this.#kept.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  }

  async arrived(): Promise<void> {}

  async finished(): Promise<void> {
    for (const kept of this.#kept) {
      const bytes = new Uint8Array(kept.end - kept.begin);
      this.read(kept.begin, bytes);
      kept.bytes = bytes;
    }
    this.body.cancel();
  }

  claim(): void {}

  keep(begin: number, end: number): void {
    this.#kept.push({ begin, end });
  }

  recycle(): void {}

  read(begin: number, target: Uint8Array): void {
    const end = begin + target.length;
    const kept = this.#kept.find((it) => it.bytes && it.begin <= begin && end <= it.end);
    if (kept) target.set(kept.bytes!.subarray(begin - kept.begin, end - kept.begin));
    else this.body.readNow(target, this.valuesAt + begin);
  }
}
