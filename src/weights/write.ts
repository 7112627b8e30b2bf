/** A tensor of a file that is to be written. */
export interface Written {
  readonly name: string;
  /** By safetensors' names. */
  readonly dtype: "I8" | "F16" | "BF16" | "F32" | "F64";
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export function float32(name: string, shape: readonly number[], values: ArrayLike<number>): Written {
  return { name, dtype: "F32", shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

/** A safetensors file. */
export function encode(
  tensors: readonly Written[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  // As the format's own writer does: values begin at a multiple of eight.
  const length = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + length + end).fill(0x20, 8, 8 + length);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(text, 8);
  let at = 8 + length;
  for (const { bytes } of tensors) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}
