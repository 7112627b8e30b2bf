// What a page loads with its first picture for `preprocess`.

import { browserHost } from "../host/browser.js";
import { fetchKernels } from "../host/fetch-kernels.js";
import type { Host } from "../host/host.js";
import type { kernelFiles } from "../host/kernel-files.js";
import { later } from "../host/later.js";
import { inputsOf } from "../image/inputs-of.js";
import type { BrowserImage } from "../image/kinds.js";
import type { Preprocess } from "../options.js";
import { beside } from "../worker/handle/start-web.js";

/** See `preprocess` of the entries. `files`: the kernels' addresses, as the page's first script has them. */
export async function preprocess(
  files: typeof kernelFiles,
  image: BrowserImage,
  spec: Preprocess,
  signal?: AbortSignal | null,
): Promise<Float32Array> {
  const host: Host = {
    ...browserHost,
    ...later,
    wasm: async (variant) => fetchKernels(beside(import.meta.url, files[variant])),
  };
  return (await inputsOf(host, image, [spec], signal))[0]!;
}
