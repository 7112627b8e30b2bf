import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Classifier, ImageDecodeError } from "resnet-edge";
import type { Result } from "./results.js";

/** Pictures under way: one is classified, and the next ones are read and decoded. Addresses are waited for longer. */
const AHEAD = 4;
const FETCHES = 16;
const FETCH_MS = 60_000;
const MOST_BYTES = 100e6;

type Classifies = Pick<Classifier<Blob>, "classify">;

/** Where names begin: an address ends with a slash, and a path does not depend on where a process was started. */
export const baseOf = (base: string) => (isAddress(base) ? base.replace(/\/*$/, "/") : resolve(base));

const isAddress = (name: string) => /^https?:\/\//i.test(name);

/** A picture that there is not, or that is none: its own error, where a storage that is away is the shard's. */
class PictureError extends Error {
  override name = "PictureError";
}

/** The results of all names, in their order. Throws where it is not a picture that is at fault: then the shard is tried again. */
export async function classifyAll(
  classifier: Classifies,
  base: string,
  names: readonly string[],
  topK: number,
  onResult: (done: number) => void,
): Promise<Result[]> {
  if (!isAddress(base)) await stat(base);
  const results: Result[] = new Array(names.length);
  let next = 0;
  let done = 0;
  let isOver = false;
  const lane = async () => {
    while (next < names.length && !isOver) {
      const at = next++;
      results[at] = await classifyOne(classifier, base, names[at]!, topK);
      onResult(++done);
    }
  };
  const lanes = names.some((name) => isAddress(name)) || isAddress(base) ? FETCHES : AHEAD;
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    isOver = true;
  }
  return results;
}

async function classifyOne(classifier: Classifies, base: string, image: string, topK: number): Promise<Result> {
  try {
    return { image, predictions: await classifier.classify(new Blob([await read(base, image)]), { topK }) };
  } catch (error) {
    if (!(error instanceof PictureError || error instanceof ImageDecodeError)) throw error;
    return { image, error: { name: error.name, message: error.message } };
  }
}

async function read(base: string, name: string): Promise<Uint8Array<ArrayBuffer>> {
  if (isAddress(name)) {
    if (!URL.canParse(name)) throw new PictureError(`${name} is no address.`);
    return download(new URL(name));
  }
  if (isAddress(base)) return download(new URL(name.split("/").map(encodeURIComponent).join("/"), base));
  const path = join(base, name);
  try {
    const { size } = await stat(path);
    if (size > MOST_BYTES) throw new PictureError(`${path} has more than ${MOST_BYTES} bytes.`);
    return new Uint8Array(await readFile(path));
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (
      ["ENOENT", "EISDIR", "EACCES", "ENAMETOOLONG", "ELOOP", "ENOTDIR", "EPERM", "ERR_INVALID_ARG_VALUE"].includes(
        code,
      )
    ) {
      throw new PictureError(`${path} cannot be read: ${code}.`, { cause: error });
    }
    throw error;
  }
}

async function download(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) });
  if (!response.ok) {
    await response.body?.cancel();
    const message = `${url} answers ${response.status}.`;
    // A server that is busy, or broken, may answer another time.
    const isPassing = response.status >= 500 || [408, 425, 429].includes(response.status);
    throw isPassing ? new Error(message) : new PictureError(message);
  }
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > MOST_BYTES) throw new PictureError(`${url} has more than ${MOST_BYTES} bytes.`);
    pieces.push(piece);
  }
  return new Uint8Array(Buffer.concat(pieces));
}
