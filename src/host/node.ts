import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { isKind } from "../base/kind.js";
import * as check from "../check/index.js";
import { WasmError } from "../errors.js";
import * as features from "../features/index.js";
import { cropBytes, decodeBytes, imagePath } from "../image/decode-node.js";
import { toPixels } from "../image/index.js";
import type { NodeImage, RawPixels } from "../image/kinds.js";
import { MAX_IMAGE_BYTES } from "../limits.js";
import * as integers from "../model/integers/index.js";
import * as onnx from "../model/onnx/index.js";
import * as unusual from "../model/unusual/index.js";
import * as foreign from "../weights/foreign.js";
import * as torch from "../weights/torch.js";
import { nodeWorker } from "../worker/handle/node.js";
import { beside, MEND } from "./beside-node.js";
import type { EntryHost } from "./entry-host.js";
import { compileKernels } from "./fetch-kernels.js";
import { readFile } from "./file-calls.js";
import * as gpu from "./gpu-path.js";
import type { Host } from "./host.js";
import { openModel, readBeside } from "./model-files.js";
import { readRegular } from "./regular-file.js";
import { nodeStore } from "./store-node.js";

export const nodeHost: Host & Pick<EntryHost, "absolute" | "sendImage"> & { defaultModel(): string } = {
  async wasm(variant) {
    const name = variant === "pixels" ? variant : `cpu-${variant}`;
    const file = beside(import.meta.url, () => new URL(`./${name}.wasm`, import.meta.url));
    const bytes = await readFile(file).catch((cause) => {
      throw new WasmError(`${file} could not be read: ${cause.message}. ${MEND}`, { cause });
    });
    return compileKernels(bytes);
  },
  threadSupport: {
    start: () => nodeWorker(new Worker(beside(import.meta.url, () => new URL("./node-thread.js", import.meta.url)))),
    cores: availableParallelism(),
    obstacle: null,
  },
  loadGpu: async () => gpu,
  loadCheck: async () => check,
  loadFeatures: async () => features,
  loadTorch: async () => torch,
  loadOnnx: async () => onnx,
  loadForeign: async () => foreign,
  loadIntegers: async () => integers,
  loadUnusual: async () => unusual,
  absolute: (address) => address,
  async sendImage(source) {
    const image = source as NodeImage;
    if (isKind(image, "Blob", "File")) return [image, []];
    if (isKind(image, "String", "URL")) return [imagePath(`${image}`), []];
    if (isKind(image, "ArrayBuffer")) return transferred(new Uint8Array(image).slice());
    // A Buffer's slice is a view; what lies around it must not travel.
    if (isKind(image, "Uint8Array")) return transferred(new Uint8Array(image));
    const { data, width, height } = toPixels(image as RawPixels);
    const [copy, transfer] = transferred(new Uint8Array(data));
    return [{ data: copy, width, height }, transfer];
  },
  readPath: openModel,
  readBeside,
  async decode(source, signal) {
    const encoded = await encodedOf(source, signal);
    return encoded ? decodeBytes(encoded.bytes, encoded.origin, signal) : toPixels(source as RawPixels);
  },
  async crop(source, [spec, ...more], signal, part) {
    const encoded = part || more.length > 0 ? null : await encodedOf(source, signal);
    return encoded && [(await cropBytes(encoded.bytes, spec!, encoded.origin, signal)).rgb];
  },
  async findGpu() {
    // Dawn for Node, where its user has installed it; the name is not written out, so that no bundler looks for it.
    const name = ["web", "gpu"].join("");
    const dawn = await import(name).catch(() => null);
    return (dawn?.create([]) as GPU) ?? null;
  },
  store: nodeStore,
  /** The bundled model. A method: nothing is looked for at import. */
  defaultModel() {
    return beside(import.meta.url, () => new URL("./cifar110-resnet20x2.int8.safetensors", import.meta.url));
  },
};

function transferred(bytes: Uint8Array<ArrayBuffer>): [Uint8Array, Transferable[]] {
  return [bytes, [bytes.buffer]];
}

/** An image's file, and what it is called in messages; null where it is none. Throws `SourceError` where it cannot be read. */
async function encodedOf(
  source: unknown,
  signal: AbortSignal | null | undefined,
): Promise<{ readonly bytes: Uint8Array; readonly origin: string } | null> {
  const image = source as NodeImage;
  if (isKind(image, "String", "URL")) {
    const path = imagePath(`${image}`);
    return { bytes: await readRegular(path, MAX_IMAGE_BYTES, signal), origin: path };
  }
  if (isKind(image, "Blob", "File"))
    return { bytes: new Uint8Array(await image.arrayBuffer()), origin: "the given blob" };
  if (isKind(image, "ArrayBuffer")) return { bytes: new Uint8Array(image), origin: "the given buffer" };
  if (isKind(image, "Uint8Array")) return { bytes: image, origin: "the given buffer" };
  return null;
}
