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
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(image, { imageOrientation: "from-image", premultiplyAlpha: "none" });
  } catch (cause) {
    throw new ImageDecodeError(
      `${describe(image)} could not be decoded: ${(cause as Error).message}. It must be loaded, not empty, and of a format that this browser shows.`,
      { cause },
    );
  }
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

function describe(image: unknown): string {
  return image === null || typeof image !== "object"
    ? `An image given as ${typeof image}`
    : (image.constructor?.name ?? "object");
}
