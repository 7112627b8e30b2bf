import { ResnetEdgeError } from "../errors.js";
import { orGivenUp } from "./give-up.js";
import type { BrowserImage } from "./kinds.js";

/** The code for all but opaque pictures of moderate size: other formats, alpha, tiles, and what an error says. */
export type LoadOwn = () => Promise<typeof import("./own.js")>;

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
