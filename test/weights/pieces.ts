import type { LoadOptions } from "../../src/options.js";
import { Body, type PieceReader } from "../../src/source/body.js";

/** A file that arrives in pieces of one size, whose reader tells what it was asked. */
export class Delivery implements PieceReader {
  delivered = 0;
  cancelled = false;
  /** Called before each piece. */
  onPiece: () => void = () => {};

  constructor(
    private readonly bytes: Uint8Array,
    private readonly size: number,
    /** Where it breaks off. */
    private readonly breaksAt = Number.POSITIVE_INFINITY,
  ) {}

  async read(): Promise<Uint8Array | null> {
    this.onPiece();
    if (this.delivered >= this.breaksAt) throw new TypeError("network error");
    if (this.cancelled || this.delivered >= this.bytes.length) return null;
    const piece = this.bytes.slice(this.delivered, this.delivered + this.size);
    this.delivered += piece.length;
    // As often as not the next piece takes a turn of the event loop.
    if ((this.delivered / this.size) & 1) await new Promise((resolve) => setImmediate(resolve));
    return piece;
  }

  cancel(): void {
    this.cancelled = true;
  }

  body(stated = this.bytes.length, options: LoadOptions = {}): Body {
    return new Body("x", stated, this, options);
  }
}
