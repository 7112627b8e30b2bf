import { parseJson } from "../base/json.js";
import { ModelFormatError, UnsupportedModelError } from "../errors.js";
import {
  type ArrivingTensor,
  bytesPerElement,
  contiguousStrides,
  type DType,
  type StateDict,
  type Tensor,
  type TensorInfo,
} from "../graph/tensor.js";
import { MAX_AXES, MAX_HEADER_BYTES, MAX_NAME, MAX_TENSORS } from "../limits.js";
import type { Body, Pieces, Seekable } from "../source/body.js";
import { Arrival } from "./arrival.js";

/** Bytes that tell whether a file is one. */
export const TELLING_BYTES = 10;

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

/**
 * Whether a file begins like safetensors: a header length below 2^48, then the beginning of a JSON object. Ten bytes tell. No pickle or
 * archive begins so. The reader checks whether the length fits.
 */
export function isSafetensors(bytes: Uint8Array): boolean {
  return (
    bytes.length >= TELLING_BYTES &&
    !bytes[6] &&
    !bytes[7] &&
    /^\s*(\{|$)/.test(String.fromCharCode(bytes[8]!, bytes[9]!))
  );
}

function headerLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return Number(view.getBigUint64(0, true));
}

/** Reads a safetensors file that is in memory. */
export function readSafetensors(bytes: Uint8Array, origin: string): StateDict {
  const { valuesAt, tensors, metadata } = readHeader(bytes, bytes.length, origin);
  const named = new Map<string, Tensor>();
  for (const [name, { begin, end, ...info }] of tensors) {
    const strides = contiguousStrides(info.shape);
    named.set(name, { ...info, strides, bytes: bytes.subarray(valuesAt + begin, valuesAt + end) });
  }
  return { format: "safetensors", tensors: named, metadata };
}

/** Reads the header of a safetensors file, and leaves its values to come. `head`: what has come already, 10 bytes at least. */
export async function openSafetensors(body: Body | Seekable, head: Pieces): Promise<StateDict<ArrivingTensor>> {
  const length = headerLength(head.bytes);
  checkHeader(length, body.stated, body.origin);
  while (head.bytes.length < 8 + length) {
    const piece = await body.next();
    if (piece) head.add(piece, 8 + length);
  }
  const { valuesAt, tensors, metadata } = readHeader(head.bytes, body.stated, body.origin);
  const arrival =
    "values" in body ? body.values(valuesAt) : new Arrival(body, head.bytes.subarray(valuesAt), body.stated - valuesAt);
  const named = new Map<string, ArrivingTensor>();
  for (const [name, place] of tensors) named.set(name, { ...place, arrival });
  return { format: "safetensors", tensors: named, metadata, arrival };
}

export interface Header {
  /** Bytes before the first value. */
  readonly valuesAt: number;
  readonly valuesLength: number;
  readonly tensors: ReadonlyMap<string, TensorInfo & { readonly begin: number; readonly end: number }>;
  readonly metadata: ReadonlyMap<string, string>;
}

function failing(origin: string): (what: string) => never {
  return (what) => {
    throw new ModelFormatError(`${origin}: ${what}. The file is damaged or cut off; download it again.`);
  };
}

function checkHeader(length: number, fileLength: number, origin: string): void {
  if (length > fileLength - 8) failing(origin)(`its header of ${length} bytes does not fit`);
  if (length > MAX_HEADER_BYTES) {
    throw new ModelFormatError(`${origin}: its header takes ${length} bytes; at most ${MAX_HEADER_BYTES} are read.`);
  }
}

/** Bytes before the first value, as the first eight say; at most the file's own. */
export function headerBytes(first: Uint8Array, fileLength: number, origin: string): number {
  const length = fileLength < 8 ? fileLength : headerLength(first);
  checkHeader(length, fileLength, origin);
  return 8 + length;
}

/**
 * Reads what comes before a safetensors file's values: an 8-byte little-endian header length, and the header in JSON. Every
 * tensor's place is checked against its type, its shape and the file, which has `fileLength` bytes; what lies between or behind
 * them is refused, as the format says.
 */
export function readHeader(bytes: Uint8Array, fileLength: number, origin: string): Header {
  const fail: (what: string) => never = failing(origin);
  const length = headerLength(bytes);
  checkHeader(length, fileLength, origin);
  const header = parseJson(bytes.subarray(8, 8 + length), `${origin}: its header`);
  if (typeof header !== "object" || header === null) fail("its header is no object");
  const valuesLength = fileLength - 8 - length;
  const metadata = new Map<string, string>();
  const tensors = new Map<string, TensorInfo & { begin: number; end: number }>();
  for (const [name, entry] of Object.entries(header as object)) {
    if (name.length > MAX_NAME)
      throw new ModelFormatError(`${origin}: a tensor's name has more than ${MAX_NAME} characters.`);
    if (tensors.size === MAX_TENSORS) throw new ModelFormatError(`${origin} has more than ${MAX_TENSORS} tensors.`);
    if (typeof entry !== "object" || entry === null) fail(`"${name}" in its header is no object`);
    if (name === "__metadata__") {
      for (const [key, value] of Object.entries(entry as object)) {
        if (typeof value !== "string") fail(`its metadata "${key}" is no string`);
        metadata.set(key, value as string);
      }
      continue;
    }
    const { dtype: dtypeName, shape, data_offsets } = entry as Record<string, unknown>;
    if (typeof dtypeName !== "string") fail(`tensor "${name}" has no proper dtype`);
    const dtype = dtypes.get(dtypeName as string);
    if (!dtype) {
      throw new UnsupportedModelError(
        `${origin}: tensor "${name}" is ${(dtypeName as string).slice(0, 20)}, which cannot be computed with. Convert the weights to F32, F16 or BF16.`,
      );
    }
    const extents = counts(shape) ?? fail(`tensor "${name}" has no proper shape`);
    const offsets = counts(data_offsets);
    if (offsets?.length !== 2) fail(`tensor "${name}" has no proper data_offsets`);
    const [begin, end] = offsets as [number, number];
    if (begin > end || end > valuesLength) {
      fail(`tensor "${name}" lies at bytes ${begin} to ${end} of ${valuesLength}`);
    }
    const size = extents.reduce((product, extent) => product * extent, bytesPerElement[dtype]);
    if (size !== end - begin)
      fail(`tensor "${name}" of shape ${extents.join(" x ")} takes ${size} bytes, but has ${end - begin}`);
    tensors.set(name, { name, dtype, shape: extents, begin, end });
  }
  let at = 0;
  for (const { begin, end, name } of [...tensors.values()].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) fail(`tensor "${name}" starts at byte ${begin}, where ${at} was expected`);
    at = end;
  }
  if (at !== valuesLength) fail(`${valuesLength - at} bytes follow its last tensor`);
  return { valuesAt: 8 + length, valuesLength, tensors, metadata };
}

function counts(value: unknown): number[] | null {
  if (!Array.isArray(value) || value.length > MAX_AXES) return null;
  return value.every((it) => Number.isSafeInteger(it) && it >= 0) ? value : null;
}
