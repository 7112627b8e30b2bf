/** A message of Protocol Buffers: fields in the order in which they are written. Nothing is copied before `bytes`. */
export class Message {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A whole number; negative ones as 64 bits, as int64 has them. */
  int(field: number, value: number): this {
    return this.#put(varint(field * 8)).#put(varint(value));
  }

  float(field: number, value: number): this {
    return this.#put(varint(field * 8 + 5)).#put(new Uint8Array(Float32Array.of(value).buffer));
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#put(varint(field * 8 + 2))
      .#put(varint(value.length))
      .#put(value);
  }

  message(field: number, value: Message): this {
    this.#put(varint(field * 8 + 2)).#put(varint(value.length));
    for (const part of value.#parts) this.#put(part);
    return this;
  }

  /** Packed. */
  ints(field: number, values: readonly number[]): this {
    const packed = new Message();
    for (const value of values) packed.#put(varint(value));
    return this.message(field, packed);
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #put(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
