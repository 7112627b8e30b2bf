/** Stands for a picture's name in the messages of the process that decodes it. */
export const PICTURE = "<picture>";

/** Bytes of the JSON that may stand before a picture: how it is to be cropped. */
export const MAX_SPEC_BYTES = 4096;

/** To the process that decodes: its crops go to the file that it has as `MEMORY`. */
export const WITH_MEMORY = "--memory";
export const MEMORY = 4;

/** Three numbers and the length of what follows, as 32-bit words. */
const HEADER = 16;

export function frame(numbers: readonly [number, number, number], length: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(...numbers, length).buffer);
}

/** Puts together the messages that arrive in pieces over a pipe. */
export class Unframer {
  #header = new Uint8Array(HEADER);
  #filled = 0;
  #body: Uint8Array<ArrayBuffer> | null = null;

  constructor(
    private readonly limit: number,
    private readonly onMessage: (numbers: Uint32Array, body: Uint8Array<ArrayBuffer>) => void,
  ) {}

  /** False where a message claims more bytes than the limit: nothing more may be read from its sender. */
  push(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; ) {
      const target = this.#body ?? this.#header;
      const part = bytes.subarray(at, at + target.length - this.#filled);
      target.set(part, this.#filled);
      at += part.length;
      this.#filled += part.length;
      if (this.#filled < target.length) break;
      this.#filled = 0;
      const words = new Uint32Array(this.#header.buffer);
      if (words[3]! > this.limit) return false;
      if (!this.#body && words[3]! > 0) this.#body = new Uint8Array(words[3]!);
      else {
        const body = this.#body ?? new Uint8Array(0);
        this.#body = null;
        this.onMessage(words.slice(0, 3), body);
      }
    }
    return true;
  }
}
