import { isKind } from "../base/kind.js";
import { MAX_IMAGE_BYTES } from "../limits.js";
import { explained, type LoadOwn, readCanvas, toBitmap } from "./bitmap.js";
import type { BrowserImage } from "./kinds.js";
import { isRaw, type Pixels, toPixels } from "./pixels.js";
import { startOfFrame } from "./start-of-frame.js";

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
      if (jpeg) return { data: readCanvas(bitmap, width, height), width, height, channels: 4 };
      return await (await loadOwn()).readBitmap(bitmap, signal);
    } finally {
      bitmap.close();
    }
  } catch (cause) {
    throw await explained(image, cause, signal, loadOwn);
  }
}

/** Whether these are a JPEG, by its start of frame, that one canvas holds. */
function isModerateJpeg(buffer: ArrayBuffer): boolean {
  const view = new DataView(buffer);
  const at = startOfFrame(view);
  return at > 0 && Math.max(view.getUint16(at + 5), view.getUint16(at + 7)) <= CANVAS_SIDE;
}
