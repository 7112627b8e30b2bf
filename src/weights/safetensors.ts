import { ModelFormatError } from "../errors.js";
import { bytesPerElement, contiguousStrides, type DType, type StateDict, type Tensor } from "../tensor.js";

const dtypes: ReadonlyMap<string, DType> = new Map([
  ["F64", "f64"],
  ["F32", "f32"],
  ["F16", "f16"],
  ["BF16", "bf16"],
  ["I64", "i64"],
  ["I32", "i32"],
  ["I16", "i16"],
  ["I8", "i8"],
  ["U8", "u8"],
  ["BOOL", "bool"],
]);

/** The format's own limit on its header. */
const MAX_HEADER_BYTES = 100_000_000;

/** A header length that fits the file, and a JSON object behind it. */
export function isSafetensors(bytes: Uint8Array): boolean {
  return bytes.length >= 10 && bytes[8] === 0x7b && headerLength(bytes) <= bytes.length - 8;
}

function headerLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return Number(view.getBigUint64(0, true));
}

/**
 * Reads a safetensors file: an 8-byte little-endian header length, the header in JSON, the values. Every tensor's place is
 * checked against its type, its shape and the file; what lies between or behind them is refused, as the format says.
 */
export function readSafetensors(bytes: Uint8Array, origin: string): StateDict {
  const fail = (what: string): never => {
    throw new ModelFormatError(`${origin}: ${what}. The file is damaged or cut off; download it again.`);
  };
  const length = headerLength(bytes);
  if (length > Math.min(MAX_HEADER_BYTES, bytes.length - 8)) fail(`its header of ${length} bytes does not fit`);
  let header: Record<string, unknown> = {};
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch (cause) {
    fail(`its header is not JSON (${(cause as Error).message})`);
  }
  const data = bytes.subarray(8 + length);
  const metadata = new Map<string, string>();
  const tensors = new Map<string, Tensor>();
  const spans: { begin: number; end: number; name: string }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (typeof entry !== "object" || entry === null) fail(`"${name}" in its header is no object`);
    if (name === "__metadata__") {
      for (const [key, value] of Object.entries(entry as object)) {
        if (typeof value !== "string") fail(`its metadata "${key}" is no string`);
        metadata.set(key, value as string);
      }
      continue;
    }
    const { dtype: dtypeName, shape, data_offsets } = entry as Record<string, unknown>;
    const dtype = dtypes.get(dtypeName as string) ?? fail(`tensor "${name}" has the unknown type ${String(dtypeName)}`);
    const extents = counts(shape) ?? fail(`tensor "${name}" has no proper shape`);
    const offsets = counts(data_offsets);
    if (offsets?.length !== 2) fail(`tensor "${name}" has no proper data_offsets`);
    const [begin, end] = offsets as [number, number];
    if (begin > end || end > data.length) {
      fail(`tensor "${name}" lies at bytes ${begin} to ${end} of ${data.length}`);
    }
    const size = extents.reduce((product, extent) => product * extent, bytesPerElement[dtype]);
    if (size !== end - begin)
      fail(`tensor "${name}" of shape ${extents.join(" x ")} takes ${size} bytes, but has ${end - begin}`);
    spans.push({ begin, end, name });
    tensors.set(name, {
      name,
      dtype,
      shape: extents,
      strides: contiguousStrides(extents),
      bytes: data.subarray(begin, end),
    });
  }
  let at = 0;
  for (const { begin, end, name } of spans.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) fail(`tensor "${name}" starts at byte ${begin}, where ${at} was expected`);
    at = end;
  }
  if (at !== data.length) fail(`${data.length - at} bytes follow its last tensor`);
  return { format: "safetensors", tensors, metadata };
}

function counts(value: unknown): number[] | null {
  if (!Array.isArray(value) || value.length > 16) return null;
  return value.every((it) => Number.isSafeInteger(it) && it >= 0) ? value : null;
}
