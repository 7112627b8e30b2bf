import { isKind } from "../base/kind.js";
import type { Crop } from "./crop.js";
import type { BrowserImage } from "./kinds.js";
import { isRaw, toPixels } from "./pixels.js";

/**
 * An image in a form that a worker can have, and what of it is transferred. What only the page can read becomes a bitmap
 * here; raw pixels are copied, so that the caller keeps them.
 */
export async function sendBrowserImage(source: unknown): Promise<[image: unknown, transfer: Transferable[]]> {
  const image = source as BrowserImage;
  if (isRaw(image)) {
    const { data, width, height } = toPixels(image);
    const copy = new Uint8Array(data);
    return [{ data: copy, width, height }, [copy.buffer]];
  }
  if (
    isKind((image as Partial<Crop> | null)?.crop, "Uint8ClampedArray") ||
    isKind(image, "Blob", "File") ||
    (isKind(image, "VideoFrame") && image.format)
  )
    return [image, []];
  return (await import("./send-bitmap.js")).sendBitmap(image);
}
