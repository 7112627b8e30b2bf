import { elementCount } from "../../src/graph/tensor.js";

type DType = "F32" | "I8";

/** A safetensors file in the making. */
export class SafetensorsFile {
  private readonly header: Record<string, unknown> = {};
  private readonly parts: { at: number; values: () => ArrayBufferView }[] = [];
  private end = 0;

  /** `values` is called once, when the file is written. */
  add(name: string, dtype: DType, shape: readonly number[], values: () => ArrayBufferView): void {
    const begin = this.end;
    this.end += elementCount(shape) * (dtype === "I8" ? 1 : 4);
    this.header[name] = { dtype, shape, data_offsets: [begin, this.end] };
    this.parts.push({ at: begin, values });
  }

  vector(name: string, { length }: { length: number }, values: () => ArrayLike<number>): void {
    this.add(name, "F32", [length], () => Float32Array.from(values()));
  }

  encode(metadata?: Readonly<Record<string, string>>): Uint8Array {
    const text = JSON.stringify(metadata ? { __metadata__: metadata, ...this.header } : this.header);
    const head = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
    const file = new Uint8Array(8 + head.length + this.end);
    new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
    file.set(head, 8);
    for (const { at, values } of this.parts) {
      const { buffer, byteOffset, byteLength } = values();
      file.set(new Uint8Array(buffer, byteOffset, byteLength), 8 + head.length + at);
    }
    return file;
  }
}
