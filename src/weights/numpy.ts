import { ModelFormatError } from "../errors.js";
import { contiguousStrides, type DType } from "../graph/tensor.js";
import { isCounts, TensorDraft } from "./drafts.js";
import { Callable, Named, StandIn, type Stateful } from "./pickle.js";

const dtypes: ReadonlyMap<string, DType> = new Map([
  ["f8", "f64"],
  ["f4", "f32"],
  ["f2", "f16"],
  ["i8", "i64"],
  ["i4", "i32"],
  ["i2", "i16"],
  ["i1", "i8"],
  ["u1", "u8"],
  ["b1", "bool"],
]);

/** `numpy.dtype("f4")`; its byte order comes as its state. */
class NumpyType implements Stateful {
  bigEndian: boolean;
  readonly code: string;

  constructor(text: string) {
    this.bigEndian = text.startsWith(">");
    this.code = text.replace(/^[<>|=]/, "");
  }

  setState(state: unknown): void {
    if (Array.isArray(state) && state[1] === ">") this.bigEndian = true;
  }
}

/** A numpy array, which takes its values as its state: (version, shape, type, in Fortran's order, bytes). */
export class NumpyArray implements Stateful {
  private state: readonly unknown[] | null = null;

  setState(state: unknown): void {
    this.state = Array.isArray(state) ? state : null;
  }

  /** Null where it holds no numbers: strings, Python's objects. `bytesOf` makes bytes of latin-1 text, once for each text. */
  draft(name: string, origin: string, bytesOf: (text: string) => Uint8Array): TensorDraft {
    const [shape, type, isFortran, values] = (this.state ?? []).slice(-4);
    const raw = typeof values === "string" ? bytesOf(values) : values;
    if (!isCounts(shape) || !(type instanceof NumpyType)) {
      throw new ModelFormatError(`${origin}: array "${name.slice(0, 200)}" is malformed. Save it again.`);
    }
    const bytes = raw instanceof Uint8Array ? raw : null;
    const swapped = type.bigEndian && !/1$/.test(type.code);
    const dtype = bytes && !swapped ? (dtypes.get(type.code) ?? null) : null;
    const strides =
      isFortran === true || isFortran === 1
        ? contiguousStrides([...shape].reverse()).reverse()
        : contiguousStrides(shape);
    const named = `${swapped ? "big-endian " : ""}${type.code.slice(0, 20)} of numpy`;
    return new TensorDraft({ dtype, type: named, key: name, offset: 0, bytes }, 0, shape, strides);
  }
}

const array = (state: readonly unknown[]) => {
  const made = new NumpyArray();
  made.setState(state);
  return made;
};
const standIn = new Callable(() => new StandIn("numpy"));

/** The names that numpy's arrays, types and scalars are pickled with. */
export const numpyNames: readonly (readonly [string, unknown])[] = ["numpy.core", "numpy._core"].flatMap((core) => [
  [`${core}.multiarray._reconstruct`, new Callable(() => new NumpyArray())],
  [`${core}.multiarray.scalar`, standIn],
  [
    `${core}.numeric._frombuffer`,
    new Callable(([bytes, type, shape, order]) => array([shape, type, order === "F", bytes])),
  ],
  ["numpy.ndarray", new Named("numpy.ndarray", true)],
  [
    "numpy.dtype",
    new Callable(([text]) => (typeof text === "string" ? new NumpyType(text) : new StandIn("numpy.dtype"))),
  ],
  ...["__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor"].map(
    (name) => [`numpy.random._pickle.${name}`, standIn] as const,
  ),
]);
