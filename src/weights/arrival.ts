import type { Body } from "../body.js";
import type { Arriving } from "../model/network.js";

/** Of a slab, a part of a file's values that is kept or let go as a whole. */
const SLAB_BYTES = 1 << 20;

/** Slabs that are filled while others wait to be read: more would only be more fresh memory, which is slow to touch. */
const AHEAD = 3;

interface Slab {
  readonly bytes: Uint8Array;
  /** Bytes that somebody claimed and has not read. */
  owed: number;
}

interface Waiter {
  readonly bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * The values of a file that is on its way, as many of them as are here and wanted. They lie in slabs; with `recycle` a slab takes
 * later values as soon as all that was claimed of it has been read, so that a file passes through a few megabytes.
 */
export class Arrival implements Arriving {
  loaded = 0;
  private readonly slabs = new Map<number, Slab>();
  private readonly free: Uint8Array[] = [];
  private readonly claims: { readonly begin: number; readonly end: number }[] = [];
  private recycling = false;
  private waiters: Waiter[] = [];
  /** Lets the reader go on, where it waits for slabs. */
  private resume: () => void = () => {};
  private failure: { readonly error: unknown } | null = null;
  private done = false;

  /** `first`: the beginning of the values, where the file's header brought it along; `length`: of all values. */
  constructor(
    private readonly body: Pick<Body, "next">,
    first: Uint8Array,
    private readonly length: number,
    private readonly slabBytes = SLAB_BYTES,
  ) {
    this.append(first);
    this.pump();
  }

  /** Bytes in slabs, read or not. */
  get held(): number {
    return (this.slabs.size + this.free.length) * this.slabBytes;
  }

  arrived(bytes: number): Promise<void> {
    if (this.failure) return Promise.reject(this.failure.error);
    if (bytes <= this.loaded) return Promise.resolve();
    return this.wait(bytes);
  }

  finished(): Promise<void> {
    if (this.failure) return Promise.reject(this.failure.error);
    return this.done ? Promise.resolve() : this.wait(Number.POSITIVE_INFINITY);
  }

  /** Bytes that will be read; the others are not kept once slabs are recycled. */
  claim(begin: number, end: number): void {
    this.claims.push({ begin, end });
  }

  /** From now on every byte that was claimed is read once, and none other. */
  recycle(): void {
    this.recycling = true;
    for (const [index, slab] of this.slabs) {
      slab.owed = this.owedOf(index);
      this.settle(index, slab);
    }
  }

  /** Copies bytes from `begin` on, which have arrived, to `target`. */
  read(begin: number, target: Uint8Array): void {
    for (let at = begin; at < begin + target.length; ) {
      const index = Math.floor(at / this.slabBytes);
      const slab = this.slabs.get(index);
      const end = Math.min(begin + target.length, (index + 1) * this.slabBytes);
      if (!slab || end > this.loaded) throw new RangeError(`Bytes ${at} to ${end} of the file's values are not here.`);
      target.set(slab.bytes.subarray(at % this.slabBytes, (at % this.slabBytes) + end - at), at - begin);
      if (this.recycling) {
        slab.owed -= end - at;
        this.settle(index, slab);
      }
      at = end;
    }
  }

  private async pump(): Promise<void> {
    try {
      for (let piece = await this.body.next(); piece; piece = await this.body.next()) {
        this.append(piece);
        while (this.isAhead()) await new Promise<void>((resolve) => (this.resume = resolve));
      }
      this.done = true;
      this.answer(Number.POSITIVE_INFINITY);
    } catch (error) {
      this.failure = { error };
      for (const { reject } of this.waiters.splice(0)) reject(error);
    }
  }

  /** The reader of the values is busy with what is here, and has enough of it. */
  private isAhead(): boolean {
    return this.recycling && this.slabs.size > AHEAD && this.waiters.length === 0;
  }

  private append(piece: Uint8Array): void {
    for (let taken = 0; taken < piece.length; ) {
      const index = Math.floor(this.loaded / this.slabBytes);
      const at = this.loaded % this.slabBytes;
      const slab = this.slabs.get(index) ?? this.open(index);
      const part = piece.subarray(taken, taken + this.slabBytes - at);
      slab.bytes.set(part, at);
      this.loaded += part.length;
      taken += part.length;
      this.settle(index, slab);
    }
    this.answer(this.loaded);
  }

  private open(index: number): Slab {
    const bytes = this.free.pop() ?? new Uint8Array(this.slabBytes);
    const slab = { bytes, owed: this.owedOf(index) };
    this.slabs.set(index, slab);
    return slab;
  }

  /** Gives a slab's memory to later ones if nothing more will come to it or be read of it. */
  private settle(index: number, slab: Slab): void {
    const end = Math.min((index + 1) * this.slabBytes, this.length);
    if (!this.recycling || slab.owed > 0 || this.loaded < end) return;
    this.slabs.delete(index);
    this.resume();
    if (this.loaded < this.length) this.free.push(slab.bytes);
    else this.free.length = 0;
  }

  private owedOf(index: number): number {
    const from = index * this.slabBytes;
    let owed = 0;
    for (const { begin, end } of this.claims) {
      owed += Math.max(0, Math.min(end, from + this.slabBytes) - Math.max(begin, from));
    }
    return owed;
  }

  private wait(bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiters.push({ bytes, resolve, reject });
      this.resume();
    });
  }

  private answer(bytes: number): void {
    const ready = this.waiters.filter((waiter) => waiter.bytes <= bytes);
    if (ready.length === 0) return;
    this.waiters = this.waiters.filter((waiter) => waiter.bytes > bytes);
    for (const { resolve } of ready) resolve();
  }
}
