import { ModelFormatError, UnsupportedModelError } from "../../../errors.js";
import { bytesPerElement, type DType } from "../../../graph/tensor.js";
import { Type } from "../proto.js";
import type { Message } from "../protobuf.js";

interface Stated {
  /** The tensor, in messages. */
  readonly what: string;
  /** ONNX's. */
  readonly type: number;
  readonly dtype: DType | undefined;
  readonly count: number;
}

/** Types that no reader of weights has, by their bytes. */
const unsigned: Readonly<Record<number, 2 | 4 | 8>> = { [Type.u16]: 2, [Type.u32]: 4, [Type.u64]: 8 };

/**
 * A tensor's values where they are no raw bytes of a type that weights have: in a file of their own, as lists of numbers, or whole
 * numbers without a sign. `external`: files by location.
 */
export function valuesOf(
  message: Message,
  { what, type, dtype, count }: Stated,
  external: ReadonlyMap<string, Uint8Array>,
): readonly [DType, Uint8Array] {
  const wide = unsigned[type];
  if (!dtype && !wide) {
    throw new UnsupportedModelError(
      `${what} is of ONNX's type ${type}; f32, f64, f16, bf16, bool and whole numbers of 8 to 64 bits are read.`,
    );
  }
  if (message.has(3)) throw new UnsupportedModelError(`${what} is stored in segments, which are not read.`);
  const raw = (bytes: Uint8Array) => (wide ? fromWide(bytes, wide, count) : ([dtype!, bytes] as const));
  if (message.integer(14) === 1) {
    const entries = new Map(message.messages(13).map((it) => [it.text(1), it.text(2)]));
    const file = external.get(entries.get("location") ?? "");
    if (!file) throw new ModelFormatError(`${what} lies in "${entries.get("location")}", which was not read.`);
    const offset = Number(entries.get("offset") ?? 0);
    const length = Number(entries.get("length") ?? count * (dtype ? bytesPerElement[dtype] : wide!));
    if (!(offset >= 0 && length >= 0 && offset + length <= file.length)) {
      throw new ModelFormatError(
        `${what} lies behind the end of "${entries.get("location")}" (${length} bytes from ${offset}).`,
      );
    }
    return raw(file.subarray(offset, offset + length));
  }
  if (message.has(9) || count === 0) return raw(message.bytesOf(9));
  if (dtype === "f32") return [dtype, message.fixed(4)];
  if (dtype === "f64") return [dtype, message.fixed(10)];
  // All others are written as integers.
  const whole = message.integers(type === Type.i64 ? 7 : type === Type.u32 || type === Type.u64 ? 11 : 5);
  if (dtype === "f16" || dtype === "bf16") return [dtype, bytesOf(Uint16Array.from(whole))];
  return doubles(Float64Array.from(whole));
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array | Uint16Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);
const doubles = (values: Float64Array) => ["f64", bytesOf(values)] as const;

function fromWide(bytes: Uint8Array, wide: 2 | 4 | 8, count: number): readonly [DType, Uint8Array] {
  // What it lacks is told by its length.
  if (bytes.length !== count * wide) return ["f64", bytes.subarray(0, Math.min(bytes.length, 8 * count - 1))];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = (at: number) =>
    wide === 2 ? view.getUint16(at, true) : wide === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
  return doubles(Float64Array.from({ length: count }, (_, index) => read(index * wide)));
}
