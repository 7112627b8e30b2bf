import { kernelFiles } from "../host/kernel-files.js";
import type { BrowserImage } from "../image/kinds.js";
import type { Preprocess } from "../options.js";

/**
 * An image as `model.run` takes it: [3, height, width] f32 planes, resized, cropped and normalised as `model.preprocess` says. It is
 * decoded in the calling thread.
 */
export async function preprocess(
  image: BrowserImage,
  spec: Preprocess,
  { signal }: { signal?: AbortSignal | null } = {},
): Promise<Float32Array> {
  return (await import("./preprocess-browser.js")).preprocess(kernelFiles, image, spec, signal);
}
