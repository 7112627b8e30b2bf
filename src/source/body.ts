import { onAbort } from "../base/abort.js";
import { SourceError, throwIfAborted } from "../errors.js";
import type { ArrivingValues } from "../graph/arriving.js";
import type { LoadOptions } from "../options.js";

/** A model's bytes on their way, in pieces of any size. */
export interface PieceReader {
  /** The next bytes, in memory of their own; null at the end. */
  read(): Promise<Uint8Array | null>;
  /** Takes a piece's memory for later ones. */
  give?(piece: Uint8Array): void;
  cancel(): void;
}

/** As much as a core's own cache holds beside what is made of it. */
export const PIECE_BYTES = 128 * 1024;

type Stream = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Reads a stream into memory of its own where the host can do that, else by the pieces that the host hands out. */
export function streamReader(stream: Stream): PieceReader {
  const direct = byteReader(stream);
  if (!direct) {
    const reader = stream.getReader();
    return {
      read: async () => (await reader.read()).value ?? null,
      cancel: () => void reader.cancel().catch(() => {}),
    };
  }
  const rooms: ArrayBuffer[] = [];
  return {
    async read() {
      const { done, value } = await direct.read(new Uint8Array(rooms.pop() ?? new ArrayBuffer(PIECE_BYTES)));
      return done ? null : value;
    },
    give: (piece) => rooms.push(piece.buffer as ArrayBuffer),
    cancel: () => void direct.cancel().catch(() => {}),
  };
}

/** Null where a host, or a response that was made by hand, has none. */
function byteReader(stream: Stream): ReadableStreamBYOBReader | null {
  try {
    return stream.getReader({ mode: "byob" });
  } catch {
    return null;
  }
}

/** A model file whose values can be read in any order. */
export interface Seekable extends Pick<Body, "origin" | "stated" | "loaded" | "ended" | "next" | "whole" | "cancel"> {
  /** The values, which begin at `valuesAt`; nothing more comes by `next`. */
  values(valuesAt: number): ArrivingValues;
}

/** A model's bytes on their way, counted, and watched by the one who loads it. */
export class Body {
  loaded = 0;
  /** Nothing more will come. */
  ended = false;
  private last: Uint8Array | null = null;
  private readonly forget: () => void;

  /** `stated`: how many bytes there should be; 0 where nobody said. */
  constructor(
    readonly origin: string,
    readonly stated: number,
    private readonly reader: PieceReader,
    private readonly options: Pick<LoadOptions, "signal" | "onProgress">,
  ) {
    this.forget = onAbort(options.signal, () => this.cancel());
  }

  /**
   * The next bytes, which are the caller's until it asks again, unless it adopts them; null at the end. Throws `SourceError` where that is not where it
   * should be, or the source breaks off.
   */
  async next(): Promise<Uint8Array | null> {
    try {
      throwIfAborted(this.options.signal);
      // The same memory takes one piece after the other: to touch fresh memory is slow.
      if (this.last) this.give(this.last);
      const piece = await this.reader.read();
      this.last = piece;
      throwIfAborted(this.options.signal);
      this.loaded += piece?.length ?? 0;
      if (piece ? this.stated && this.loaded > this.stated : this.loaded < this.stated) {
        throw new SourceError(`${this.origin} ended after ${this.loaded} of ${this.stated} bytes. Load it again.`);
      }
      if (!piece) {
        this.end();
        return null;
      }
    } catch (cause) {
      throw this.failure(cause);
    }
    try {
      this.options.onProgress?.({ phase: "fetch", loaded: this.loaded, total: this.stated });
    } catch (error) {
      // The caller's own code failed: nothing broke off.
      this.cancel();
      throw error;
    }
    return this.last;
  }

  /** Leaves the last piece to the caller for good, or until it gives it back. */
  adopt(): void {
    this.last = null;
  }

  give(piece: Uint8Array): void {
    this.reader.give?.(piece);
  }

  /** All of it, after `head`, which was read before. */
  async whole(head?: Pieces): Promise<Uint8Array<ArrayBuffer>> {
    const pieces = head ?? new Pieces();
    for (let piece = await this.next(); piece; piece = await this.next()) {
      try {
        pieces.add(piece, this.stated);
      } catch (cause) {
        throw this.failure(cause);
      }
    }
    return pieces.bytes;
  }

  /** What nobody wants any more; nothing happens where it has ended. */
  readonly cancel = (): void => {
    if (this.ended) return;
    this.end();
    this.reader.cancel();
  };

  /** What a load that cannot go on says. */
  private failure(cause: unknown): unknown {
    this.cancel();
    const { signal } = this.options;
    if (signal?.aborted) return signal.reason;
    if (cause instanceof SourceError) return cause;
    const what = `${this.origin} broke off after ${this.loaded} bytes: ${(cause as Error).message}`;
    return new SourceError(`${what}. Load it again.`, { cause });
  }

  private end(): void {
    this.ended = true;
    this.forget();
  }
}

/** Bytes put together piece by piece. */
export class Pieces {
  private room = new Uint8Array(0);
  private length = 0;

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.room.subarray(0, this.length);
  }

  /** `expected`: how many bytes there will be in all, as far as that was said; room is made for what has come, not for a claim. */
  add(piece: Uint8Array, expected = 0): void {
    const length = this.length + piece.length;
    if (length > this.room.length) {
      const claimed = Math.min(expected, 4 * length + (64 << 20));
      const larger = new Uint8Array(Math.max(claimed, length, Math.min(2 * this.room.length, length + (64 << 20))));
      larger.set(this.bytes);
      this.room = larger;
    }
    this.room.set(piece, this.length);
    this.length = length;
  }
}
