import { isKind } from "../base/kind.js";
import { explained, readCanvas, toBitmap } from "./bitmap.js";
import { frameOf } from "./frame-of.js";
import type { BrowserImage } from "./kinds.js";

/** What only the page can read, in a form for the worker: a video's frame as it is, all else as a bitmap. */
export async function sendBitmap(
  image: Exclude<BrowserImage, { data: unknown }>,
): Promise<[image: ImageBitmap | VideoFrame, transfer: Transferable[]]> {
  try {
    const frame = isKind(image, "HTMLVideoElement") ? frameOf(image) : null;
    if (frame) return [frame, [frame]];
    const bitmap = await toBitmap(image);
    try {
      // One that may not be read cannot be sent, and the browser's error would not say why.
      readCanvas(bitmap, 1, 1);
    } catch (cause) {
      bitmap.close();
      throw cause;
    }
    return [bitmap, [bitmap]];
  } catch (cause) {
    throw await explained(image, cause, null, () => import("./own.js"));
  }
}
