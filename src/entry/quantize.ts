// "resnet-edge/quantize" for pages: a worker that ends with the work.

import { pageSide } from "../host/page.js";
import type { BrowserImage } from "../image/kinds.js";
import type { ModelSource } from "../options.js";
import type { QuantizedFile, QuantizeOptions as QuantizeOptionsOf } from "../quantize/options.js";
import { startWorkerFrom } from "../worker/handle/start-web.js";
import { quantizeInWorker } from "../worker/quantizing.js";

export * from "../errors.js";
export type { BrowserImage } from "../image/kinds.js";
export type { ModelSource } from "../options.js";
export type * from "../quantize/options.js";

export type QuantizeOptions<Image = BrowserImage> = QuantizeOptionsOf<Image>;

const host = {
  ...pageSide,
  startWorker: (file?: string | URL) =>
    file
      ? startWorkerFrom(`${file}`, location.href, () => new Worker(file, { type: "module" }))
      : startWorkerFrom(
          "./quantize-worker.js",
          import.meta.url,
          () => new Worker(new URL("./quantize-worker.js", import.meta.url), { type: "module" }),
        ),
};

/**
 * The model with weights of fewer bytes, as a safetensors file, and a report of how near its answers stay to float's on pictures held
 * out. `images` calibrate; a dtype other than "int8" needs none. It works in a worker of its own.
 */
export const quantize = (
  model: ModelSource,
  images?: Iterable<BrowserImage> | AsyncIterable<BrowserImage> | null,
  options?: QuantizeOptions,
): Promise<QuantizedFile> => quantizeInWorker(host, model, images, options);
