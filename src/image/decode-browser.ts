import { ImageDecodeError } from "../errors.js";
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

/** Pixels at the source's own size: a canvas's scaling is not the filter that networks were trained with. */
export async function decodeInBrowser(image: BrowserImage): Promise<Pixels> {
  if (image !== null && typeof image === "object" && "data" in image) return toPixels(image);
  const bitmap = await toBitmap(image);
  try {
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("no 2D canvas");
    context.drawImage(bitmap, 0, 0);
    return toPixels(context.getImageData(0, 0, width, height));
  } catch (cause) {
    throw new ImageDecodeError(
      `The pixels of ${describe(image)} could not be read: ${(cause as Error).message}. A cross-origin image needs CORS.`,
      { cause },
    );
  } finally {
    bitmap.close();
  }
}

/**
 * An image in a form that a worker can have, and what of it is transferred. What only the page can read becomes a bitmap
 * here; raw pixels are copied, so that the caller keeps them.
 */
export async function sendBrowserImage(source: unknown): Promise<[image: unknown, transfer: Transferable[]]> {
  const image = source as BrowserImage;
  if (image !== null && typeof image === "object" && "data" in image) {
    const { data, width, height } = toPixels(image);
    const copy = new Uint8Array(data);
    return [{ data: copy, width, height }, [copy.buffer]];
  }
  const sendable = [globalThis.Blob, globalThis.ImageBitmap, globalThis.VideoFrame];
  if (sendable.some((type) => type && image instanceof type)) return [image, []];
  const bitmap = await toBitmap(image);
  return [bitmap, [bitmap]];
}

async function toBitmap(image: Exclude<BrowserImage, { data: unknown }>): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(image, { imageOrientation: "from-image", premultiplyAlpha: "none" });
  } catch (cause) {
    throw new ImageDecodeError(
      `${describe(image)} could not be decoded: ${(cause as Error).message}. It must be loaded, not empty, and of a format that this browser shows.`,
      { cause },
    );
  }
}

function describe(image: unknown): string {
  return image === null || typeof image !== "object"
    ? `An image given as ${typeof image}`
    : (image.constructor?.name ?? "object");
}
