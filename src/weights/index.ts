import { ModelFormatError, SourceError } from "../errors.js";
import type { ArrivingTensor, StateDict, Tensor } from "../graph/tensor.js";
import { type Body, Pieces } from "../source/body.js";
import { isSafetensors, openSafetensors, readSafetensors } from "./safetensors.js";

export { readRows, toFloat32 } from "./values.js";

/** What loads the reader of PyTorch checkpoints. */
interface TorchHost {
  loadTorch(): Promise<typeof import("./torch.js")>;
}

/**
 * Reads a weights file, told by its content, never by its name: safetensors, or a PyTorch checkpoint in its zip or its legacy
 * form, whose reader is loaded only then. Tensors are views of `bytes`. `origin` stands in messages. Throws `ModelFormatError`,
 * or `SourceError` where the reader cannot be loaded.
 */
export async function readWeights(bytes: Uint8Array, origin: string, host: TorchHost): Promise<StateDict> {
  // First what nothing else looks like: a header's length can begin as a pickle does.
  if (isSafetensors(bytes)) return readSafetensors(bytes, origin);
  // Rare, and so in one module that comes when it is needed: checkpoints, and what to say of files that are none.
  const rare = await torchReader(host);
  if (isTorch(bytes)) return rare.readTorch(bytes, origin);
  throw new ModelFormatError(
    `${origin} is ${rare.appearance(bytes)}, not a weights file. Give a .safetensors file or a PyTorch .pth, .pt or .th checkpoint.`,
  );
}

async function torchReader(host: TorchHost): ReturnType<TorchHost["loadTorch"]> {
  try {
    return await host.loadTorch();
  } catch (cause) {
    throw new SourceError(
      "The reader of PyTorch checkpoints could not be loaded. Serve all of the package's scripts from one folder, or give a .safetensors file.",
      { cause },
    );
  }
}

/** A zip archive, or a pickle: the legacy form, numpy's arrays, or what is read to be refused by name. */
function isTorch(bytes: Uint8Array): boolean {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4) return true;
  if (bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5) return true;
  // A protocol 0 or 1 pickle that begins with a global, a mark, or a dict that is kept.
  return bytes[0] === 0x63 || bytes[0] === 0x28 || (bytes[0] === 0x7d && bytes[1] === 0x71);
}

/** Bytes that tell what a file is. */
const TELLING_BYTES = 10;

/**
 * As `readWeights`, of a file that is on its way: a safetensors file of stated length is read as far as its header, any other
 * to its end. Throws `SourceError` where the file ends before that, or breaks off.
 */
export async function openWeights(body: Body, host: TorchHost): Promise<StateDict<Tensor | ArrivingTensor>> {
  const head = new Pieces();
  while (body.stated >= TELLING_BYTES && head.bytes.length < TELLING_BYTES) {
    const piece = await body.next();
    if (piece) head.add(piece);
  }
  const { bytes } = head;
  if (body.stated && isSafetensors(bytes)) return openSafetensors(body, head);
  return readWeights(await body.whole(head), body.origin, host);
}
