// Pictures for which decode-browser.ts has no code of its own: few pages need it, and it is loaded when one does.
import { ImageDecodeError } from "../errors.js";
import { MAX_IMAGE_BYTES } from "../limits.js";
import { readGif } from "./gif.js";
import { checkSize, readHeader } from "./header.js";
import { inTime } from "./in-time.js";
import { findOrientation, turn } from "./orientation.js";
import type { Pixels } from "./pixels.js";
import { readGray16 } from "./png-gray16.js";
import { readStraight } from "./straight.js";
import { readTiles, type Tile } from "./tiles.js";

/** A picture of any format, by its bytes. GIFs, 16-bit grays and some orientations are read here, as PIL has them. */
export function readBlob(blob: Blob, toBitmap: ToBitmap, signal?: AbortSignal | null): Promise<Pixels> {
  return inTime(ORIGIN, signal, (signal) => readBytes(blob, toBitmap, signal));
}

type ToBitmap = (blob: Blob, signal?: AbortSignal | null) => Promise<ImageBitmap>;
const ORIGIN = "The picture";

async function readBytes(blob: Blob, toBitmap: ToBitmap, signal: AbortSignal): Promise<Pixels> {
  if (blob.size > MAX_IMAGE_BYTES) {
    throw new ImageDecodeError(
      `${ORIGIN} has ${blob.size} bytes; at most ${MAX_IMAGE_BYTES} are read. Shrink it first.`,
    );
  }
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const header = readHeader(bytes, ORIGIN);
  if (header.format === "TIFF") throw new ImageDecodeError(`${ORIGIN} is a TIFF, which browsers lack; save it as PNG.`);
  if (header.format === "GIF") return readGif(bytes, ORIGIN, signal);
  const orientation = header.format === "PNG" || header.format === "WebP" ? findOrientation(bytes) : null;
  // Some browsers obey it, so it is taken out.
  if (orientation) bytes[orientation.at] = 1;
  let pixels: Pixels;
  if (header.format === "PNG" && bytes[24] === 16 && bytes[25] === 0) {
    pixels = await readGray16(bytes, header, ORIGIN, signal);
  } else {
    const bitmap = await toBitmap(new Blob([bytes], { type: `image/${header.format.toLowerCase()}` }), signal);
    pixels = await readBitmap(bitmap, signal).finally(() => bitmap.close());
  }
  return orientation ? turn(pixels, orientation.value) : pixels;
}

/** A bitmap's pixels: in tiles, since canvases have limits, and with the colours under its alpha. */
export async function readBitmap(bitmap: ImageBitmap, signal?: AbortSignal | null): Promise<Pixels> {
  checkSize(bitmap, "The image");
  const pixels = await readTiles(bitmap, (tile) => readTile(bitmap, tile), signal);
  const { data } = pixels;
  for (let at = 3; at < data.length; at += 4) {
    if (data[at] !== 255) return (await readStraight(bitmap, signal)) ?? pixels;
  }
  return pixels;
}

function readTile(bitmap: ImageBitmap, { x, y, width, height }: Tile): Uint8ClampedArray {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  context.drawImage(bitmap, x, y, width, height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

/** The error for an image that the browser would not give out: what is wrong with it, and how to mend it. */
export function explain(image: unknown, cause: unknown): ImageDecodeError {
  const reason = (cause as Error).message.replace(/\.$/, "");
  const error = (text: string) => new ImageDecodeError(text, { cause });
  if (image === null || typeof image !== "object") {
    return error(
      `An image given as ${image === null ? null : typeof image} has no pixels; give a Blob, an element or pixels.`,
    );
  }
  const name = image instanceof Blob ? "The picture" : `The ${image.constructor?.name ?? "object"}`;
  if ((cause as Error).name === "SecurityError") {
    return error(
      `${name} may not be read (${reason}). A picture from another origin needs CORS and crossorigin="anonymous".`,
    );
  }
  if (image instanceof Blob && (cause as Error).name.startsWith("Not")) {
    return error(`${name} could not be read: ${reason}. If it was a file, it may have changed; choose it again.`);
  }
  if ("readyState" in image && (image.readyState as number) < 2) {
    return error(`${name} has no frame yet; wait for its loadeddata event.`);
  }
  if ("naturalWidth" in image && !image.naturalWidth)
    return error(`${name} shows no picture: ${reason}. Check its src.`);
  const [width, height] = "width" in image ? [image.width, (image as unknown as ImageBitmap).height] : [1, 1];
  const closed = "format" in image ? image.format === null : "close" in image && !width;
  if (closed) return error(`${name} was closed; close it after its answer.`);
  if (!width || !height) return error(`${name} has no pixels: it is ${width} x ${height}.`);
  return error(`${name} could not be decoded: ${reason}. It is damaged, or this browser lacks its format.`);
}
