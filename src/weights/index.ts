import { SourceError } from "../errors.js";
import type { ArrivingTensor, StateDict, Tensor } from "../graph/tensor.js";
import { type Body, Pieces, type Seekable } from "../source/body.js";
import { QUANTIZATION } from "./integers-format.js";
import { isSafetensors, openSafetensors, readSafetensors, TELLING_BYTES } from "./safetensors.js";

export { readRows, toFloat32 } from "./values.js";

/** Of pictures, where the caller states it. */
type InputSize = number | readonly [height: number, width: number] | undefined;

/** Reads one of the rarer formats, or says what a file is that is none of them. */
interface Reader {
  readOther(bytes: Uint8Array, origin: string, host: object, inputSize?: InputSize): Promise<StateDict>;
}

/** Of what other tools make of weights; a host may have but its refusal. */
export type Foreign = Pick<typeof import("./foreign.js"), "readForeign"> & Partial<typeof import("./foreign.js")>;

/** What loads the readers of rarer formats: PyTorch checkpoints, and ONNX where the host has it. */
interface ReaderHost {
  loadTorch(): Promise<Reader>;
  loadOnnx?(): Promise<Reader>;
  loadForeign(): Promise<Foreign>;
}

/**
 * Reads a model file, told by its content, never by its name: safetensors, or a PyTorch checkpoint in its zip or its legacy
 * form, or ONNX, whose readers are loaded only then. Tensors are views of `bytes`. `origin` stands in messages. `inputSize` is
 * the one that the network will be built with. Throws `ModelFormatError`, or `SourceError` where a reader cannot be loaded.
 */
export async function readWeights(
  bytes: Uint8Array,
  origin: string,
  host: ReaderHost,
  inputSize?: InputSize,
): Promise<StateDict> {
  // First what nothing else looks like: a header's length can begin as a pickle does.
  if (isSafetensors(bytes)) return inFloat(readSafetensors(bytes, origin), origin, host);
  // An ONNX file begins with its version, field 1.
  const isOnnx = bytes[0] === 8 && bytes[1]! < 32 && host.loadOnnx;
  const reader = await (isOnnx ? host.loadOnnx!() : host.loadTorch()).catch(
    unloaded(isOnnx ? "ONNX files" : "PyTorch checkpoints"),
  );
  return inFloat(await reader.readOther(bytes, origin, host, inputSize), origin, host);
}

const unloaded = (what: string) => (cause: unknown) => {
  throw new SourceError(
    `The reader of ${what} could not be loaded. Serve all of the package's scripts from one folder, or give a .safetensors file.`,
    { cause },
  );
};

/** What integers of other tools are called, where their weights are. */
const FOREIGN = /(weight\w*|W_q|_data|_qdata)$/;

/** Integers that other tools made of weights become floats. A graph (ONNX) says itself what its integers are. */
async function inFloat<T extends Tensor | ArrivingTensor>(
  state: StateDict<T>,
  origin: string,
  host: ReaderHost,
): Promise<StateDict<T>> {
  const isForeign = ([name, { dtype }]: [string, T]) => /^([iu]8|i32)$/.test(dtype) && FOREIGN.test(name);
  if (state.build || state.metadata.has(QUANTIZATION) || !Array.from(state.tensors).some(isForeign)) return state;
  const { readForeign } = await host.loadForeign().catch(unloaded("int8 weights"));
  return readForeign(state, origin) as Promise<StateDict<T>>;
}

/**
 * As `readWeights`, of a file that is on its way: a safetensors file of stated length is read as far as its header, any other
 * to its end. Throws `SourceError` where the file ends before that, or breaks off.
 */
export async function openWeights(
  body: Body | Seekable,
  host: ReaderHost,
  inputSize?: InputSize,
): Promise<StateDict<Tensor | ArrivingTensor>> {
  const head = new Pieces();
  while (body.stated >= TELLING_BYTES && head.bytes.length < TELLING_BYTES) {
    const piece = await body.next();
    if (piece) head.add(piece);
  }
  const { bytes } = head;
  if (body.stated && isSafetensors(bytes)) return inFloat(await openSafetensors(body, head), body.origin, host);
  return readWeights(await body.whole(head), body.origin, host, inputSize);
}
