// "resnet-edge/quantize" for Node.

import { Worker } from "node:worker_threads";
import { beside } from "../host/beside-node.js";
import { nodeHost } from "../host/node.js";
import type { NodeImage } from "../image/kinds.js";
import type { ModelSource } from "../options.js";
import type { QuantizedFile, QuantizeOptions as QuantizeOptionsOf } from "../quantize/options.js";
import { nodeWorker } from "../worker/handle/node.js";
import { quantizeInWorker } from "../worker/quantizing.js";

export * from "../errors.js";
export type { BrowserImage, NodeImage } from "../image/kinds.js";
export type { ModelSource } from "../options.js";
export type * from "../quantize/options.js";

export type QuantizeOptions<Image = NodeImage> = QuantizeOptionsOf<Image>;

const ownWorker = () => beside(import.meta.url, () => new URL("./quantize-node-worker.js", import.meta.url));

const host = {
  ...nodeHost,
  // Without the process's own flags: Node refuses some of them for a worker that is a file, such as --input-type.
  startWorker: (file?: string | URL) => nodeWorker(new Worker(file ?? ownWorker(), { execArgv: [] })),
};

/** As in a page, for Node's images: see `quantize` there. It works in a worker thread of its own. */
export const quantize = (
  model: ModelSource,
  images?: Iterable<NodeImage> | AsyncIterable<NodeImage> | null,
  options?: QuantizeOptions,
): Promise<QuantizedFile> => quantizeInWorker(host, model, images, options);
