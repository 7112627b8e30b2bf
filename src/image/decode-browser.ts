import { ResnetEdgeError } from "../errors.js";
import { isKind } from "../kind.js";
import { MAX_IMAGE_BYTES } from "../limits.js";
import { orGivenUp } from "./give-up.js";
import { type Pixels, toPixels } from "./pixels.js";

/** Whatever a page has an image in. Raw pixels are RGBA or RGB bytes. */
export type BrowserImage =
  | Blob
  | ImageData
  | ImageBitmap
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | VideoFrame
  | { data: Uint8Array | Uint8ClampedArray; width: number; height: number };

/** The code for all but opaque pictures of moderate size: other formats, alpha, tiles, and what an error says. */
export type LoadOwn = () => Promise<typeof import("./own.js")>;

/** A canvas has limits of its own, beyond which it stays blank without a word: what is longer is read in tiles. */
const CANVAS_SIDE = 4096;

/** Pixels at the source's own size: a canvas's scaling is not the filter that networks were trained with. */
export async function decodeInBrowser(
  image: BrowserImage,
  signal: AbortSignal | null | undefined,
  loadOwn: LoadOwn,
): Promise<Pixels> {
  if (isRaw(image)) return toPixels(image);
  try {
    let jpeg = false;
    if (isKind(image, "Blob", "File")) {
      jpeg = image.size <= MAX_IMAGE_BYTES && isModerateJpeg(await image.arrayBuffer());
      if (!jpeg) return await (await loadOwn()).readBlob(image, toBitmap, signal);
    }
    const bitmap = await toBitmap(image, signal);
    try {
      const { width, height } = bitmap;
      if (Math.max(width, height) <= CANVAS_SIDE) {
        const data = readCanvas(bitmap, width, height);
        // A canvas keeps colours multiplied by alpha, and so loses them where alpha is low.
        if (jpeg || isOpaque(data)) return { data, width, height, channels: 4 };
      }
      return await (await loadOwn()).readBitmap(bitmap, signal);
    } finally {
      bitmap.close();
    }
  } catch (cause) {
    throw await explained(image, cause, signal, loadOwn);
  }
}

/**
 * An image in a form that a worker can have, and what of it is transferred. What only the page can read becomes a bitmap
 * here; raw pixels are copied, so that the caller keeps them.
 */
export async function sendBrowserImage(
  source: unknown,
  loadOwn: LoadOwn,
): Promise<[image: unknown, transfer: Transferable[]]> {
  const image = source as BrowserImage;
  if (isRaw(image)) {
    const { data, width, height } = toPixels(image);
    const copy = new Uint8Array(data);
    return [{ data: copy, width, height }, [copy.buffer]];
  }
  if (isKind(image, "Blob", "File") || (globalThis.VideoFrame && image instanceof VideoFrame && image.format))
    return [image, []];
  try {
    const bitmap = await toBitmap(image);
    // One that may not be read cannot be sent, and the browser's error would not say why.
    readCanvas(bitmap, 1, 1);
    return [bitmap, [bitmap]];
  } catch (cause) {
    throw await explained(image, cause, null, loadOwn);
  }
}

function isRaw(image: BrowserImage): image is Extract<BrowserImage, { data: unknown }> {
  return image !== null && typeof image === "object" && "data" in image;
}

/** As PIL has pixels: no colour profile is applied, and colours under alpha stay. */
async function toBitmap(
  image: Exclude<BrowserImage, { data: unknown }>,
  signal?: AbortSignal | null,
): Promise<ImageBitmap> {
  if ("decode" in image) await image.decode();
  const bitmap = createImageBitmap(image, {
    imageOrientation: "from-image",
    premultiplyAlpha: "none",
    colorSpaceConversion: "none",
  });
  // Nothing ends the browser's decoder: who gave up does not wait for it.
  return orGivenUp(bitmap, signal, () => bitmap.then((late) => late.close()).catch(() => {}));
}

function readCanvas(bitmap: ImageBitmap, width: number, height: number): Uint8ClampedArray {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}

function isOpaque(data: Uint8ClampedArray): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return false;
  return true;
}

/** Whether these are a JPEG, by its start of frame, that one canvas holds. */
function isModerateJpeg(buffer: ArrayBuffer): boolean {
  const view = new DataView(buffer);
  if (buffer.byteLength < 4 || view.getUint16(0) !== 0xffd8) return false;
  for (let at = 2; at + 8 < buffer.byteLength; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at);
    if (marker < 0xffc0) break;
    // Baseline and progressive; the rest are rare.
    if (marker < 0xffc3) return Math.max(view.getUint16(at + 5), view.getUint16(at + 7)) <= CANVAS_SIDE;
  }
  return false;
}

async function explained(
  image: BrowserImage,
  cause: unknown,
  signal: AbortSignal | null | undefined,
  loadOwn: LoadOwn,
): Promise<unknown> {
  if (signal?.aborted) return signal.reason;
  return cause instanceof ResnetEdgeError ? cause : (await loadOwn()).explain(image, cause);
}
