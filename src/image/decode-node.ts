import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import sharp from "sharp";
import { ImageDecodeError, SourceError } from "../errors.js";
import type { Pixels } from "./pixels.js";

/** 100 megapixels are 400 MB decoded; more than that is a mistake or an attack. */
const MAX_PIXELS = 100_000_000;
const extensions = new Set([".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".avif", ".bmp"]);

/** Whether a file in a folder counts as an image, by its name. */
export function isImageFile(name: string): boolean {
  return extensions.has(extname(name).toLowerCase());
}

/** Reads and decodes an image file. `SourceError` where it cannot be read, `ImageDecodeError` where it is no image. */
export async function decodeFile(path: string, signal?: AbortSignal | null): Promise<Pixels> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path, { signal: signal ?? undefined });
  } catch (cause) {
    if ((cause as Error).name === "AbortError") throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new SourceError(
      missing ? `No file at ${path}; check the path.` : `${path} could not be read: ${(cause as Error).message}`,
      { cause },
    );
  }
  return decodeBytes(bytes, path);
}

/** Decodes the first frame, upright by its EXIF orientation, in RGB; colour profiles are not applied, as PIL does not. */
export async function decodeBytes(bytes: Uint8Array, origin: string): Promise<Pixels> {
  if (bytes.length === 0)
    throw new ImageDecodeError(`${origin} is empty; expected a JPEG, PNG, WebP, GIF, TIFF or AVIF.`);
  try {
    const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, pages: 1, failOn: "error", ignoreIcc: true }).rotate();
    const { data, info } = await image.removeAlpha().toColourspace("srgb").raw({ depth: "uchar" }).toBuffer({
      resolveWithObject: true,
    });
    return {
      data: new Uint8Array(data.buffer, data.byteOffset, data.length),
      width: info.width,
      height: info.height,
      channels: 3,
    };
  } catch (cause) {
    const reason = (cause as Error).message.split("\n")[0];
    const advice = /pixel limit/i.test(reason ?? "")
      ? `it has more than ${MAX_PIXELS / 1e6} megapixels; shrink it first`
      : `${reason}; expected a JPEG, PNG, WebP, GIF, TIFF or AVIF`;
    throw new ImageDecodeError(`${origin} could not be decoded: ${advice}.`, { cause });
  }
}
