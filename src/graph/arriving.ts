/** The file that weights are read from, where it is still on its way. */
export interface Arriving {
  /** Bytes of its values that are here. */
  readonly loaded: number;
  /** Resolves when so many are; rejects as soon as they will never be. */
  arrived(bytes: number): Promise<void>;
  /** Resolves when all of it came and was as it should be. */
  finished(): Promise<void>;
}

/** The same, to those who read its values. */
export interface ArrivingValues extends Arriving {
  /** Bytes of memory that values lie in, read or not. */
  readonly held: number;
  /** Bytes that will be read; the others are not kept once memory is taken again. */
  claim(begin: number, end: number): void;
  /** Bytes that will be read again and again. */
  keep(begin: number, end: number): void;
  /** From now on every byte that was claimed is read once, and none other, but for what is kept. */
  recycle(): void;
  /** Copies bytes from `begin` on, which have arrived, to `target`. */
  read(begin: number, target: Uint8Array): void;
}

// What weights and vectors say of a file that is still on its way: loading alone, and no part of what is computed.

export interface AwaitedRows {
  /** How much of `Graph.arriving` must be here before rows up to `end` can be read; absent: none of it. */
  needs?(end: number): number;
  /** Says, before it is read, that it will be read more than once; absent: it can be. */
  keep?(): void;
}

export interface Awaited {
  /** How much of `Graph.arriving` must be here before it can be read; absent: none of it. */
  readonly needs?: number;
}
