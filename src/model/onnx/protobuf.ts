import { ModelFormatError } from "../../errors.js";
import { MAX_PROTOBUF_FIELDS } from "../../limits.js";

/** How many fields the file may still have, in all of its messages. */
export interface Budget {
  left: number;
}

/**
 * A protocol buffer's message, its fields by number: only where each lies is read at first, and messages within it when they are asked
 * for. Bytes are views of the file. Throws `ModelFormatError` for what ends within a field, or has a wire type that is none.
 */
export class Message {
  readonly #fields = new Map<number, (number | Uint8Array)[]>();

  constructor(
    private readonly bytes: Uint8Array,
    private readonly budget: Budget = { left: MAX_PROTOBUF_FIELDS },
  ) {
    const reader = new Reader(bytes);
    while (reader.at < bytes.length) {
      const tag = reader.varint();
      const [number, wire] = [Math.floor(tag / 8), tag & 7];
      if (number < 1 || budget.left-- <= 0) throw damaged(number < 1 ? "has a field 0" : "has too many fields");
      const value =
        wire === 0
          ? reader.varint()
          : wire === 1 || wire === 5
            ? reader.take(wire === 1 ? 8 : 4)
            : wire === 2
              ? reader.take(reader.varint())
              : null;
      if (value === null) throw damaged(`has a field of wire type ${wire}`);
      const list = this.#fields.get(number);
      if (list) list.push(value);
      else this.#fields.set(number, [value]);
    }
  }

  get length(): number {
    return this.bytes.length;
  }

  has(number: number): boolean {
    return this.#fields.has(number);
  }

  /** The last one of that number, as the format says. */
  bytesOf(number: number): Uint8Array {
    const value = this.#fields.get(number)?.at(-1) ?? new Uint8Array(0);
    if (typeof value === "number") throw damaged("has a number where bytes should be");
    return value;
  }

  text(number: number): string {
    return decoded(this.bytesOf(number));
  }

  texts(number: number): string[] {
    return this.all(number).map(decoded);
  }

  integer(number: number): number {
    return this.integers(number).at(-1) ?? 0;
  }

  /** Integers, packed or not; beyond 2^53 they are near ones. */
  integers(number: number): number[] {
    const found: number[] = [];
    for (const value of this.#fields.get(number) ?? []) {
      if (typeof value === "number") found.push(value);
      else {
        const reader = new Reader(value);
        while (reader.at < value.length) found.push(reader.varint());
      }
    }
    return found;
  }

  float(number: number): number {
    const bytes = this.fixed(number);
    return bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getFloat32(bytes.length - 4, true);
  }

  /** Numbers of fixed width, packed or not, one behind the other. */
  fixed(number: number): Uint8Array {
    const parts = this.all(number);
    if (parts.length < 2) return parts[0] ?? new Uint8Array(0);
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  message(number: number): Message {
    return new Message(this.bytesOf(number), this.budget);
  }

  messages(number: number): Message[] {
    return this.all(number).map((bytes) => new Message(bytes, this.budget));
  }

  private all(number: number): Uint8Array[] {
    return (this.#fields.get(number) ?? []).filter((value) => typeof value !== "number");
  }
}

class Reader {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  take(length: number): Uint8Array {
    const begin = this.at;
    if (!(length >= 0 && length <= this.bytes.length - begin)) throw damaged("ends within a field");
    this.at += length;
    return this.bytes.subarray(begin, this.at);
  }

  /** Of 64 bits, with a sign. */
  varint(): number {
    let [value, scale] = [0, 1];
    for (let count = 0; count < 10; count++) {
      if (this.at === this.bytes.length) throw damaged("ends within a number");
      const byte = this.bytes[this.at++]!;
      // The tenth byte holds the sign alone: -1 is 2^64 - 1, of which a double would lose the end.
      if (count === 9) return byte & 1 ? negative(this.bytes.subarray(this.at - 10, this.at)) : value;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw damaged("has a number of more than 64 bits");
  }
}

function negative(bytes: Uint8Array): number {
  let [rest, scale] = [0, 1];
  for (const byte of bytes.subarray(0, 9)) {
    rest += (~byte & 127) * scale;
    scale *= 128;
  }
  return -rest - 1;
}

export function damaged(what: string): ModelFormatError {
  return new ModelFormatError(`The ONNX file is damaged: a message of it ${what}.`);
}

/** UTF-8. */
function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
