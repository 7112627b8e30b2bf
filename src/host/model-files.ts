import { dirname, join, sep } from "node:path";
import { parseJson } from "../base/json.js";
import { ModelFormatError, SourceError } from "../errors.js";
import { MAX_HEADER_BYTES, MAX_MODEL_BYTES } from "../limits.js";
import { readFolder } from "../model/unusual/card.js";
import { headerBytes, isSafetensors, readHeader, TELLING_BYTES } from "../weights/safetensors.js";
import { checkShard, joinShards, readIndex } from "../weights/shards.js";
import { FileBody } from "./file-body.js";
import { close, realpath } from "./file-calls.js";
import type { ModelBody, ModelFiles } from "./host.js";
import { checkSize, openRegular, pathOf, readInto, readRegular, statPath, withFile } from "./regular-file.js";

type Signal = AbortSignal | null | undefined;

const INDEX = "model.safetensors.index.json";

/** As `readModel`, but a safetensors file stays on the disk: each value is read as it is packed, and the file is never held whole. */
export async function openModel(source: string | URL, signal: Signal): Promise<ModelFiles | ModelBody> {
  const path = pathOf(source);
  const { file: weights, files } = await weightsOf(path);
  const { file, size } = await openRegular(weights);
  try {
    const first = new Uint8Array(Math.min(size, TELLING_BYTES));
    await readInto(file, weights, first, 0, signal);
    if (isSafetensors(first)) {
      checkSize(weights, size, MAX_MODEL_BYTES);
      return { body: new FileBody(file, weights, size, signal), origin: weights, ...(files && { files }) };
    }
  } catch (error) {
    await close(file);
    throw error;
  }
  await close(file);
  return readModel(path, signal);
}

/**
 * Reads a model from the file system: a file, the index of several, or a Hugging Face folder with its configuration. Only regular files are
 * read, and their sizes are known before. Throws `SourceError`, or `ModelFormatError` for an index or configuration that cannot be.
 */
export async function readModel(source: string | URL, signal: Signal): Promise<ModelFiles> {
  const { file, files } = await weightsOf(pathOf(source));
  const bytes = await readWeightsFile(file, signal);
  if (!files) pathsRead.set(bytes, file);
  return { bytes, origin: file, ...(files && { files }) };
}

/** The file with the weights, and what lies beside it in a Hugging Face folder. */
async function weightsOf(path: string): Promise<{ readonly file: string; readonly files?: ModelFiles["files"] }> {
  const found = await statPath(path);
  if (!found) throw new SourceError(`No file at ${path}; check the path.`);
  if (!found.isDirectory()) return { file: path };
  const [config, preprocessor] = [
    await readJson(join(path, "config.json")),
    await readJson(join(path, "preprocessor_config.json")),
  ];
  for (const name of ["model.safetensors", INDEX, "pytorch_model.bin"]) {
    const file = join(path, name);
    if (await statPath(file)) return { file, files: readFolder({ config, preprocessor }) };
  }
  throw new SourceError(
    `${path} is a folder without model.safetensors, ${INDEX} or pytorch_model.bin; name a weights file.`,
  );
}

/** Where bytes that are still held came from. */
const pathsRead = new WeakMap<Uint8Array, string>();

/**
 * Reads a file in the folder of a model whose bytes `readModel` gave; null for bytes that came from elsewhere. Throws `ModelFormatError`
 * for a name, or a link, that leads out of that folder.
 */
export async function readBeside(bytes: Uint8Array, name: string): Promise<Uint8Array | null> {
  const path = pathsRead.get(bytes);
  if (path === undefined) return null;
  const file = join(dirname(path), name);
  if (!(await statPath(file))) throw new SourceError(`${path} keeps its tensors in ${name}, which is not beside it.`);
  const folder = await realpath(dirname(path));
  if (!(await realpath(file)).startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
    throw new ModelFormatError(`${path} names ${name}, which leads out of its folder.`);
  }
  return readRegular(file, MAX_MODEL_BYTES);
}

function readWeightsFile(path: string, signal: Signal): Promise<Uint8Array> {
  return path.endsWith(".index.json") ? readShards(path, signal) : readRegular(path, MAX_MODEL_BYTES, signal);
}

/** The files that an index lists, as the one file that they would be. */
async function readShards(path: string, signal: Signal): Promise<Uint8Array> {
  const index = readIndex(await readJson(path), path);
  const names = [...index.keys()].sort();
  for (const name of names) {
    if (await statPath(join(dirname(path), name))) continue;
    throw new SourceError(`${path} lists ${name}, which is not beside it. Download it too.`);
  }
  const shards = [];
  for (const name of names) {
    const file = join(dirname(path), name);
    const header = await withFile(file, async (open, size) => {
      const first = new Uint8Array(Math.min(size, 8));
      await readInto(open, file, first, 0, signal);
      const bytes = new Uint8Array(headerBytes(first, size, file));
      await readInto(open, file, bytes, 0, signal);
      return readHeader(bytes, size, file);
    });
    const shard = { origin: file, header };
    checkShard(shard, index.get(name)!);
    shards.push(shard);
  }
  const { head, places, length } = joinShards(shards);
  if (length > MAX_MODEL_BYTES) {
    throw new ModelFormatError(`${path}: its files have ${length} bytes; at most ${MAX_MODEL_BYTES} are read.`);
  }
  const bytes = new Uint8Array(length);
  bytes.set(head);
  for (const [at, { origin, header }] of shards.entries()) {
    const target = bytes.subarray(places[at]!, places[at]! + header.valuesLength);
    await withFile(origin, (open) => readInto(open, origin, target, header.valuesAt, signal));
  }
  return bytes;
}

/** Undefined where there is no such file. */
async function readJson(path: string): Promise<unknown> {
  if (!(await statPath(path))) return undefined;
  return parseJson(await readRegular(path, MAX_HEADER_BYTES), path);
}
