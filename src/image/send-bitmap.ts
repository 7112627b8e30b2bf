import { explained, readCanvas, toBitmap } from "./bitmap.js";
import type { BrowserImage } from "./kinds.js";

/** What only the page can read, as a bitmap for the worker: an element, a canvas, a bitmap that stays the caller's. */
export async function sendBitmap(
  image: Exclude<BrowserImage, { data: unknown }>,
): Promise<[image: ImageBitmap, transfer: Transferable[]]> {
  try {
    const bitmap = await toBitmap(image);
    // One that may not be read cannot be sent, and the browser's error would not say why.
    readCanvas(bitmap, 1, 1);
    return [bitmap, [bitmap]];
  } catch (cause) {
    throw await explained(image, cause, null, () => import("./own.js"));
  }
}
