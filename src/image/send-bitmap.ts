import { isKind } from "../base/kind.js";
import { asShown } from "./as-shown.js";
import { explained, readCanvas, toBitmap } from "./bitmap.js";
import type { BrowserImage } from "./kinds.js";

/** What only the page can read, in a form for the worker: a video's frame as it is, all else as a bitmap. */
export async function sendBitmap(
  image: Exclude<BrowserImage, { data: unknown }>,
): Promise<[image: ImageBitmap | VideoFrame, transfer: Transferable[]]> {
  try {
    const frame = isKind(image, "HTMLVideoElement") ? frameOf(image) : null;
    if (frame) return [frame, [frame]];
    const bitmap = await toBitmap(image);
    // One that may not be read cannot be sent, and the browser's error would not say why.
    readCanvas(bitmap, 1, 1);
    return [bitmap, [bitmap]];
  } catch (cause) {
    throw await explained(image, cause, null, () => import("./own.js"));
  }
}

/** What a video shows, without a copy; null where a bitmap says more of it. */
function frameOf(video: HTMLVideoElement): VideoFrame | null {
  if (typeof VideoFrame === "undefined") return null;
  const frame = new VideoFrame(video);
  if (frame.format && asShown(frame, { width: video.videoWidth, height: video.videoHeight })) return frame;
  frame.close();
  return null;
}
