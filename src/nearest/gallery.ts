import { isKind } from "../base/kind.js";
import { OptionError, WasmError } from "../errors.js";
import { MAX_WASM_BYTES } from "../limits.js";
import type { Gallery, Neighbour } from "./kinds.js";

/** What the module exports; see assembly/nearest. */
interface Kernel {
  similarities(vectors: number, count: number, step: number, query: number, scales: number, result: number): void;
}

const PAGE = 1 << 16;
const LARGEST = 2047;
const MOST_DIMENSIONS = 8192;
/** Memory is taken for so many vectors at a time. */
const GROWTH = 4096;
/** What rounding in f32 adds to an approximate similarity's error, at most. */
const SLACK = 1e-5;

/**
 * Vectors are kept twice: as they came, and of unit length as bytes with a scale each, which a search reads at the speed of memory. What bytes
 * leave of a vector has a known length, and by Cauchy-Schwarz a similarity is off by no more than that: all vectors that may be
 * among the nearest are compared again in f64.
 */
export class ByteGallery implements Gallery {
  #length = 0;
  #capacity = 0;
  readonly #step: number;
  readonly #memory: WebAssembly.Memory;
  readonly #kernel: Kernel;
  /** The vectors as they came, in blocks of `GROWTH`, and their lengths. */
  #blocks: Float32Array[] = [];
  #norms = new Float64Array(0);
  /** What bytes leave of each vector, as a length. */
  #residuals = new Float32Array(0);

  constructor(
    module: WebAssembly.Module,
    readonly dimension: number,
  ) {
    if (!Number.isInteger(dimension) || dimension < 1 || dimension > MOST_DIMENSIONS) {
      throw new OptionError(`dimension is ${dimension}; it must be a whole number from 1 to ${MOST_DIMENSIONS}.`);
    }
    this.#step = Math.ceil(dimension / 16) * 16;
    this.#memory = new WebAssembly.Memory({ initial: 1 });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.#kernel = exports as unknown as Kernel;
  }

  get length(): number {
    return this.#length;
  }

  add(vectors: Float32Array): void {
    const { dimension } = this;
    const count = this.#check(vectors, "The vectors") / dimension;
    const rowOf = (index: number) => vectors.subarray(index * dimension, (index + 1) * dimension);
    // All or none of them.
    const norms = Array.from({ length: count }, (_, index) => normOf(rowOf(index), `Vector ${index}`));
    this.#reserve(this.#length + count);
    for (const [index, norm] of norms.entries()) this.#put(rowOf(index), norm);
  }

  nearest(query: Float32Array, k = 10): Neighbour[] {
    if (!Number.isInteger(k) || k < 1) throw new OptionError(`k is ${k}; it must be a whole number from 1.`);
    if (this.#check(query, "The query") !== this.dimension) {
      throw new OptionError(`The query has ${query.length} values; the gallery's vectors have ${this.dimension}.`);
    }
    const norm = normOf(query, "The query");
    if (this.#length === 0) return [];
    const { scale, residual } = this.#ask(query, norm);
    const { result, scales, vectors } = this.#places;
    this.#kernel.similarities(vectors, this.#length, this.#step, 0, scales, result);
    const similarities = new Float32Array(this.#memory.buffer, result, this.#length);
    const candidates = this.#candidates(similarities, scale, residual + SLACK, Math.min(k, this.#length));
    return candidates
      .map((index) => ({ index, similarity: this.#exact(query, index) / norm }))
      .sort((a, b) => b.similarity - a.similarity || a.index - b.index)
      .slice(0, k);
  }

  /** All that may be among the `k` nearest: whose similarity could be as large as the k-th largest is at least. */
  #candidates(similarities: Float32Array, scale: number, error: number, k: number): number[] {
    const residuals = this.#residuals;
    // A heap of the k largest lower bounds, the least of them first.
    const heap = new Float64Array(k).fill(Number.NEGATIVE_INFINITY);
    for (let index = 0; index < similarities.length; index++) {
      const least = similarities[index]! * scale - residuals[index]! - error;
      if (least > heap[0]!) replaceLeast(heap, least);
    }
    const found: number[] = [];
    for (let index = 0; index < similarities.length; index++) {
      if (similarities[index]! * scale + residuals[index]! + error >= heap[0]!) found.push(index);
    }
    return found;
  }

  /** Cosine times the query's length. */
  #exact(query: Float32Array, index: number): number {
    const { dimension } = this;
    const block = this.#blocks[Math.floor(index / GROWTH)]!;
    const from = (index % GROWTH) * dimension;
    let sum = 0;
    for (let at = 0; at < dimension; at++) sum += query[at]! * block[from + at]!;
    return sum / this.#norms[index]!;
  }

  /** The query in sixteen bits: what a step is worth, and how long what they leave of it is. */
  #ask(query: Float32Array, norm: number): { scale: number; residual: number } {
    const scale = largest(query) / norm / LARGEST;
    const words = new Int16Array(this.#memory.buffer, 0, this.#step);
    words.fill(0);
    let squares = 0;
    for (let at = 0; at < query.length; at++) {
      const value = query[at]! / norm;
      words[at] = Math.round(value / scale);
      squares += (value - words[at]! * scale) ** 2;
    }
    return { scale, residual: Math.sqrt(squares) };
  }

  #put(values: Float32Array, norm: number): void {
    const index = this.#length++;
    const { vectors, scales } = this.#places;
    const scale = Math.fround(largest(values) / norm / 127);
    const bytes = new Int8Array(this.#memory.buffer, vectors + index * this.#step, this.#step);
    let squares = 0;
    for (let at = 0; at < values.length; at++) {
      const value = values[at]! / norm;
      bytes[at] = Math.min(127, Math.max(-127, Math.round(value / scale)));
      squares += (value - bytes[at]! * scale) ** 2;
    }
    new Float32Array(this.#memory.buffer, scales)[index] = scale;
    this.#residuals[index] = Math.sqrt(squares);
    this.#norms[index] = norm;
    const block = Math.floor(index / GROWTH);
    this.#blocks[block] ??= new Float32Array(GROWTH * this.dimension);
    this.#blocks[block].set(values, (index % GROWTH) * this.dimension);
  }

  /** In wasm memory: the query, a scale and an answer for each vector, and the vectors. */
  get #places() {
    const scales = 2 * this.#step;
    const result = scales + 4 * this.#capacity;
    return { scales, result, vectors: result + 4 * this.#capacity };
  }

  #reserve(count: number): void {
    if (count <= this.#capacity) return;
    const [before, from] = [this.#capacity, this.#places];
    const used = this.#length * this.#step;
    // By a half at least: what lies there is moved each time.
    this.#capacity = Math.ceil(Math.max(count, 1.5 * before) / GROWTH) * GROWTH;
    const to = this.#places;
    const bytes = to.vectors + this.#capacity * this.#step;
    const pages = Math.ceil((bytes - this.#memory.buffer.byteLength) / PAGE);
    try {
      if (bytes > MAX_WASM_BYTES) throw new RangeError(`${bytes} bytes`);
      if (pages > 0) this.#memory.grow(pages);
    } catch (cause) {
      this.#capacity = before;
      throw new WasmError(`A gallery of ${count} vectors of ${this.dimension} does not fit into memory.`, { cause });
    }
    // From the back: the new place of the vectors begins behind their old one's beginning.
    const memory = new Uint8Array(this.#memory.buffer);
    memory.copyWithin(to.vectors, from.vectors, from.vectors + used);
    const [residuals, norms] = [new Float32Array(this.#capacity), new Float64Array(this.#capacity)];
    residuals.set(this.#residuals);
    norms.set(this.#norms);
    [this.#residuals, this.#norms] = [residuals, norms];
  }

  #check(values: unknown, what: string): number {
    if (!isKind(values, "Float32Array")) throw new OptionError(`${what} must be a Float32Array.`);
    const { length } = values;
    if (length > 0 && length % this.dimension === 0) return length;
    throw new OptionError(`${what} has ${length} values, which are no vectors of ${this.dimension}.`);
  }
}

function largest(values: Float32Array): number {
  let found = 0;
  for (const value of values) found = Math.max(found, Math.abs(value));
  return found;
}

/** A vector's length. Throws `OptionError` for one without a direction. */
function normOf(values: Float32Array, what: string): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  if (squares > 0 && squares < Number.POSITIVE_INFINITY) return Math.sqrt(squares);
  throw new OptionError(`${what} has no direction: its values are all zero, or one is not finite.`);
}

/** Puts a value in the place of a heap's least, which lies first, and restores the order. */
function replaceLeast(heap: Float64Array, value: number): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (child >= heap.length || heap[child]! >= value) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = value;
}
