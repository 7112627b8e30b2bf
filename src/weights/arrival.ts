import type { ArrivingValues } from "../graph/arriving.js";
import { type Body, PIECE_BYTES } from "../source/body.js";

/** Pieces of at least this share of a slab become slabs without a copy; smaller ones are copied together. */
const WHOLE_SHARE = 1 / 8;
/**
 * Back-pressure: reading the source stops while more than this many slabs of claimed bytes are unread, or of any before slabs are reused.
 * Fresh memory is slow to touch, and what else a load waits for would come behind all of the file.
 */
const AHEAD = 4;

/** Neighbouring values, whose memory is kept or released as a whole. */
interface Slab {
  readonly begin: number;
  /** The memory; values up to `end` have arrived. */
  readonly bytes: Uint8Array;
  end: number;
  /** Bytes that somebody claimed and has not read. */
  owed: number;
  /** The memory is the body's, which takes it back. */
  readonly adopted: boolean;
}

interface Span {
  readonly begin: number;
  readonly end: number;
}

interface Waiter {
  readonly bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * The values of a file that is on its way, as many of them as are here and wanted. They lie in slabs; with `recycle` a slab's memory
 * takes later values as soon as all that was claimed of it has been read, so that a file passes through a few megabytes.
 */
export class Arrival implements ArrivingValues {
  loaded = 0;
  /** In the file's order. */
  readonly #slabs: Slab[] = [];
  readonly #free: Uint8Array[] = [];
  readonly #claims: Span[] = [];
  readonly #kept: Span[] = [];
  #recycling = false;
  #owed = 0;
  #waiters: Waiter[] = [];
  /** Lets the reader go on, where it waits for slabs. */
  #resume: () => void = () => {};
  #failure: { readonly error: unknown } | null = null;
  #done = false;

  /** `first`: the beginning of the values, where the file's header brought it along; `length`: of all values. */
  constructor(
    private readonly body: Pick<Body, "next" | "adopt" | "give">,
    first: Uint8Array,
    private readonly length: number,
    private readonly slabBytes = PIECE_BYTES,
  ) {
    this.#copy(first);
    this.#pump();
  }

  /** Bytes of memory in slabs, read or not. */
  get held(): number {
    const of = (slabs: readonly Uint8Array[]) => slabs.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    return of(this.#slabs.map(({ bytes }) => bytes)) + of(this.#free);
  }

  arrived(bytes: number): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    if (bytes <= this.loaded) return Promise.resolve();
    return this.#wait(bytes);
  }

  finished(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    return this.#done ? Promise.resolve() : this.#wait(Number.POSITIVE_INFINITY);
  }

  /** Bytes that will be read; the others are not kept once slabs are recycled. */
  claim(begin: number, end: number): void {
    this.#claims.push({ begin, end });
  }

  /** Bytes that will be read again and again. */
  keep(begin: number, end: number): void {
    this.#kept.push({ begin, end });
  }

  /** Promises that from now on each claimed byte is read once and no other byte at all, except for kept ones: slabs can be reused. */
  recycle(): void {
    this.#recycling = true;
    for (const slab of [...this.#slabs]) {
      this.#owe(slab, slab.begin);
      this.#settle(slab);
    }
    this.#resume();
  }

  /** Copies bytes from `begin` on, which have arrived, to `target`. */
  read(begin: number, target: Uint8Array): void {
    const end = begin + target.length;
    for (let at = begin; at < end; ) {
      const slab = this.#slabAt(at);
      if (!slab) throw new RangeError(`Byte ${at} of the file's values is not here.`);
      const part = slab.bytes.subarray(at - slab.begin, Math.min(end, slab.end) - slab.begin);
      target.set(part, at - begin);
      at += part.length;
      if (!this.#recycling) continue;
      slab.owed -= part.length;
      this.#owed -= part.length;
      this.#settle(slab);
    }
  }

  #slabAt(at: number): Slab | undefined {
    let [low, high] = [0, this.#slabs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#slabs[middle]!.end <= at) low = middle + 1;
      else high = middle;
    }
    const slab = this.#slabs[low];
    return slab && slab.begin <= at ? slab : undefined;
  }

  async #pump(): Promise<void> {
    try {
      for (let piece = await this.body.next(); piece; piece = await this.body.next()) {
        if (piece.length < this.slabBytes * WHOLE_SHARE) this.#copy(piece);
        else {
          this.body.adopt();
          this.#add({ begin: this.loaded, bytes: piece, end: this.loaded, owed: 0, adopted: true }, piece.length);
        }
        this.#answer(this.loaded);
        while (this.#isAhead()) await new Promise<void>((resolve) => (this.#resume = resolve));
      }
      this.#done = true;
      this.#answer(Number.POSITIVE_INFINITY);
    } catch (error) {
      this.#failure = { error };
      for (const { reject } of this.#waiters.splice(0)) reject(error);
    }
  }

  /** Back-pressure: whether enough bytes are here, and nobody waits for later ones. */
  #isAhead(): boolean {
    const unread = this.#recycling ? this.#owed : this.loaded;
    return unread > AHEAD * this.slabBytes && this.#waiters.length === 0;
  }

  #copy(piece: Uint8Array): void {
    for (let taken = 0; taken < piece.length; ) {
      const last = this.#slabs.at(-1);
      const slab = last && this.#isOpen(last) ? last : this.#open();
      const part = piece.subarray(taken, taken + slab.begin + slab.bytes.length - slab.end);
      slab.bytes.set(part, slab.end - slab.begin);
      taken += part.length;
      this.#add(slab, part.length);
    }
  }

  #open(): Slab {
    const bytes = this.#free.pop() ?? new Uint8Array(this.slabBytes);
    return { begin: this.loaded, bytes, end: this.loaded, owed: 0, adopted: false };
  }

  /** Counts `count` more bytes in a slab, which may be new. */
  #add(slab: Slab, count: number): void {
    if (this.#slabs.at(-1) !== slab) this.#slabs.push(slab);
    const from = slab.end;
    slab.end += count;
    this.loaded += count;
    if (!this.#recycling) return;
    this.#owe(slab, from);
    this.#settle(slab);
  }

  /** Counts what was claimed of a slab's bytes from `from` on. */
  #owe(slab: Slab, from: number): void {
    let owed = 0;
    for (const { begin, end } of this.#claims) owed += Math.max(0, Math.min(end, slab.end) - Math.max(begin, from));
    slab.owed += owed;
    this.#owed += owed;
  }

  /** Whether more bytes will come to it. */
  #isOpen({ begin, end, bytes, adopted }: Slab): boolean {
    return !adopted && end === this.loaded && end < this.length && end < begin + bytes.length;
  }

  /** Gives a slab's memory to later values if nothing more will come to it or be read of it. */
  #settle(slab: Slab): void {
    if (slab.owed > 0 || this.#isOpen(slab)) return;
    if (this.#kept.some(({ begin, end }) => begin < slab.end && end > slab.begin)) return;
    this.#slabs.splice(this.#slabs.indexOf(slab), 1);
    if (slab.adopted) this.body.give(slab.bytes);
    else if (this.loaded < this.length) this.#free.push(slab.bytes);
    if (this.loaded === this.length) this.#free.length = 0;
    this.#resume();
  }

  #wait(bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ bytes, resolve, reject });
      this.#resume();
    });
  }

  #answer(bytes: number): void {
    const ready = this.#waiters.filter((waiter) => waiter.bytes <= bytes);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.bytes > bytes);
    for (const { resolve } of ready) resolve();
  }
}
