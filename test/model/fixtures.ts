import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { contiguousStrides, type DType, elementCount, type StateDict, type Tensor } from "../../src/graph/tensor.js";

const folder = new URL("../fixtures/networks/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder));

/** PyTorch's answers for one of the narrow networks, computed in f64. */
export interface NetworkFixture {
  readonly name: string;
  readonly size: number;
  /** NCHW. */
  readonly input: Float32Array;
  readonly logits: readonly number[];
  /** The pooled features before the classifier. */
  readonly features: readonly number[];
}

export const networkFixtures: readonly NetworkFixture[] = Object.entries(
  JSON.parse(read("networks.json").toString()) as Record<string, Omit<NetworkFixture, "input"> & { input: string }>,
).map(([name, entry]) => ({ ...entry, name, input: halves(Buffer.from(entry.input, "base64")) }));

/** What torchvision's ten consist of. */
export const torchvisionTen = JSON.parse(gunzipSync(read("torchvision.json.gz")).toString()) as Record<
  string,
  { readonly parameters: number; readonly tensors: Record<string, readonly number[]> }
>;

/** A network's file, read by a few lines of its own: these tests do not depend on the library's readers. */
export function fixtureState(name: string, from = folder): StateDict {
  const bytes = readFileSync(new URL(`${name}.safetensors`, from));
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__, ...header } = JSON.parse(bytes.subarray(8, start).toString());
  const tensors = new Map<string, Tensor>();
  for (const [tensor, { dtype, shape, data_offsets }] of Object.entries<{
    dtype: string;
    shape: number[];
    data_offsets: [number, number];
  }>(header)) {
    tensors.set(tensor, {
      name: tensor,
      dtype: dtype.toLowerCase() as DType,
      shape,
      strides: contiguousStrides(shape),
      // Copied, so that every tensor is aligned.
      bytes: Uint8Array.from(bytes.subarray(start + data_offsets[0], start + data_offsets[1])),
    });
  }
  return { format: "safetensors", tensors, metadata: new Map(Object.entries<string>(__metadata__)) };
}

/** A state of given names and shapes whose every element is `value`; costs no memory, whatever the shapes. */
export function uniformState(
  shapes: Iterable<readonly [name: string, shape: readonly number[]]>,
  value = 0.5,
): StateDict {
  const bytes = new Uint8Array(Float32Array.of(value).buffer);
  const tensors = new Map<string, Tensor>();
  for (const [name, shape] of shapes) {
    const dtype = name.endsWith("num_batches_tracked") ? "i64" : "f32";
    tensors.set(name, { name, dtype, shape, strides: shape.map(() => 0), bytes });
  }
  return { format: "torch", tensors, metadata: new Map() };
}

/** A copy of a state with tensors replaced, or removed where null. */
export function changed(state: StateDict, changes: Record<string, Partial<Tensor> | null>): StateDict {
  const tensors = new Map(state.tensors);
  for (const [name, change] of Object.entries(changes)) {
    if (change === null) tensors.delete(name);
    else {
      const shape = change.shape ?? tensors.get(name)?.shape ?? [1];
      const blank = {
        name,
        dtype: "f32" as const,
        strides: contiguousStrides(shape),
        bytes: new Uint8Array(4 * elementCount(shape)),
      };
      tensors.set(name, { ...(change.shape ? blank : (tensors.get(name) ?? blank)), ...change, shape });
    }
  }
  return { ...state, tensors };
}

export function floats(...values: number[]): Partial<Tensor> {
  return { dtype: "f32", shape: [values.length], bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

export function halves(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => {
    const bits = view.getUint16(2 * i, true);
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    return bits & 0x8000 ? -size : size;
  });
}
