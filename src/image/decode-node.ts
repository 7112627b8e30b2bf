import { extname } from "node:path";
import { ImageDecodeError, SourceError } from "../errors.js";
import { pathOf, readRegular } from "../host/regular-file.js";
import { MAX_IMAGE_BYTES } from "../limits.js";
import { type Crop, cropApart, decodeApart } from "./decoder-process.js";
import { readHeader } from "./header.js";
import type { Pixels } from "./pixels.js";
import type { CropSpec } from "./preprocess.js";

export { allowDecoders, type Crop, prepareDecoder } from "./decoder-process.js";
export type { Pixels };

const extensions = new Set([".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".avif", ".bmp"]);

/** Whether a file in a folder counts as an image, by its name. */
export function isImageFile(name: string): boolean {
  return extensions.has(extname(name).toLowerCase());
}

/** A picture's path, also of a file URL. `SourceError` for any other address: nothing is fetched here. */
export function imagePath(image: string | URL): string {
  const path = pathOf(image);
  if (!/^(data|blob):|^[a-z][a-z\d+.-]+:\/\//i.test(path)) return path;
  throw new SourceError(
    `${path.length > 80 ? `${path.slice(0, 80)}...` : path} is an address; in Node a picture is a path, a file URL or bytes. Give await (await fetch(address)).blob() instead.`,
  );
}

/** Reads and decodes an image file. `SourceError` where it cannot be read, `ImageDecodeError` where it is no image. */
export async function decodeFile(path: string, signal?: AbortSignal | null): Promise<Pixels> {
  return decodeBytes(await readRegular(path, MAX_IMAGE_BYTES, signal), path, signal);
}

/** Decodes an encoded file's bytes. `ImageDecodeError` where they are no image. */
export async function decodeBytes(bytes: Uint8Array, origin: string, signal?: AbortSignal | null): Promise<Pixels> {
  checkEncoded(bytes, origin);
  return decodeApart(bytes, origin, signal);
}

/** As `decodeBytes`, of no more than the crop that a network sees. */
export async function cropBytes(
  bytes: Uint8Array,
  spec: CropSpec,
  origin: string,
  signal?: AbortSignal | null,
  memoryOf?: (bytes: number) => Uint8Array,
): Promise<Crop> {
  checkEncoded(bytes, origin);
  return cropApart({ read: () => bytes }, spec, origin, signal, memoryOf);
}

/** As `cropBytes`, of a file that is read where it is decoded. `SourceError` where it cannot be read. */
export function cropFile(
  path: string | Buffer,
  spec: CropSpec,
  origin: string,
  signal?: AbortSignal | null,
  memoryOf?: (bytes: number) => Uint8Array,
): Promise<Crop> {
  const read = async () => {
    const bytes = await readRegular(path, MAX_IMAGE_BYTES, signal, origin);
    checkEncoded(bytes, origin);
    return bytes;
  };
  return cropApart({ path, read }, spec, origin, signal, memoryOf);
}

function checkEncoded(bytes: Uint8Array, origin: string): void {
  if (bytes.length > MAX_IMAGE_BYTES) {
    throw new ImageDecodeError(
      `${origin} has ${bytes.length} bytes; at most ${MAX_IMAGE_BYTES} are read. Shrink it first.`,
    );
  }
  readHeader(bytes, origin);
}
