import { bytesPerElement, type DType, elementCount, type StateDict, type Tensor } from "../../src/graph/tensor.js";
import { toFloat32 } from "../../src/weights/index.js";

const single = new Float32Array(1);
const word = new Uint32Array(single.buffer);

/** By cutting bits off: what is too small becomes zero. */
const writers: Partial<Record<DType, (view: DataView, at: number, value: number) => void>> = {
  f64: (view, at, value) => view.setFloat64(at, value, true),
  f32: (view, at, value) => view.setFloat32(at, value, true),
  bf16: (view, at, value) => {
    single[0] = value;
    view.setUint16(at, word[0]! >>> 16, true);
  },
  f16: (view, at, value) => {
    single[0] = value;
    const exponent = ((word[0]! >>> 23) & 255) - 112;
    const magnitude = exponent <= 0 ? 0 : (exponent << 10) | ((word[0]! >>> 13) & 1023);
    view.setUint16(at, ((word[0]! >>> 16) & 0x8000) | magnitude, true);
  },
};

/** A state dict as a safetensors file: its tensors in the given order, all of one type. */
export function writeSafetensors(
  state: StateDict,
  dtype: DType,
  compare?: (a: Tensor, b: Tensor) => number,
): Uint8Array {
  const tensors = [...state.tensors.values()].filter((tensor) => !tensor.name.endsWith("num_batches_tracked"));
  if (compare) tensors.sort(compare);
  const header: Record<string, unknown> = { __metadata__: Object.fromEntries(state.metadata) };
  const size = bytesPerElement[dtype];
  let end = 0;
  // A step counter stands before every tensor, as files have them: nobody reads those.
  for (const { name, shape } of tensors) {
    header[`${name}.num_batches_tracked`] = { dtype: "I64", shape: [], data_offsets: [end, end + 8] };
    const begin = end + 8;
    end = begin + size * elementCount(shape);
    header[name] = { dtype: dtype.toUpperCase(), shape, data_offsets: [begin, end] };
  }
  // Readers go by offsets, not by the order of names.
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(Object.entries(header).reverse())));
  const bytes = new Uint8Array(8 + text.length + end);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  let at = 8 + text.length;
  for (const tensor of tensors) {
    at += 8;
    for (const value of toFloat32(tensor)) {
      writers[dtype]!(view, at, value);
      at += size;
    }
  }
  return bytes;
}
