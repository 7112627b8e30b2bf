import { isKind } from "../base/kind.js";
import { ResnetEdgeError } from "../errors.js";
import { orGivenUp } from "./give-up.js";
import type { BrowserImage } from "./kinds.js";
import { toPixels } from "./pixels.js";

/** The code for all but opaque pictures of moderate size: other formats, alpha, tiles, and what an error says. */
export type LoadOwn = () => Promise<typeof import("./own.js")>;

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

export function isRaw(image: BrowserImage): image is Extract<BrowserImage, { data: unknown }> {
  return image !== null && typeof image === "object" && "data" in image;
}

/** As PIL has pixels: no colour profile is applied, and colours under alpha stay. */
export async function toBitmap(
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

export function readCanvas(bitmap: ImageBitmap, width: number, height: number): Uint8ClampedArray {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}

export async function explained(
  image: BrowserImage,
  cause: unknown,
  signal: AbortSignal | null | undefined,
  loadOwn: LoadOwn,
): Promise<unknown> {
  if (signal?.aborted) return signal.reason;
  return cause instanceof ResnetEdgeError ? cause : (await loadOwn()).explain(image, cause);
}
