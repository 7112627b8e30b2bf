import { decodeInBrowser } from "../image/decode-browser.js";
import { preprocess as prepare } from "../image/index.js";
import type { BrowserImage } from "../image/kinds.js";
import type { Preprocess } from "../options.js";

/** See `preprocess` of the entries. */
export async function preprocess(
  image: BrowserImage,
  spec: Preprocess,
  signal?: AbortSignal | null,
): Promise<Float32Array> {
  return prepare(await decodeInBrowser(image, signal, () => import("../image/own.js")), spec);
}
