import { readFile, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { SourceError } from "./errors.js";
import * as gpu from "./gpu/index.js";
import type { Host, ModelFiles } from "./host.js";
import { decodeBytes, decodeFile } from "./image/decode-node.js";
import { toPixels } from "./image/index.js";
import { parseJson } from "./json.js";
import { isKind } from "./kind.js";
import { readFolder } from "./model/hugging-face.js";
import * as session from "./session.js";
import { nodeStore } from "./store-node.js";
import * as torch from "./weights/torch.js";
import { nodeWorker } from "./worker/node.js";

type RawPixels = { data: Uint8Array | Uint8ClampedArray; width: number; height: number };

/** A path, a file URL, an encoded file's bytes, or raw pixels. */
export type NodeImage = string | URL | Uint8Array | ArrayBuffer | Blob | RawPixels;

export const nodeHost: Host = {
  async wasm(variant) {
    return WebAssembly.compile(await readFile(new URL(`./cpu-${variant}.wasm`, import.meta.url)));
  },
  threadSupport: {
    start: () => nodeWorker(new Worker(new URL("./node-thread.js", import.meta.url))),
    cores: availableParallelism(),
    obstacle: null,
  },
  loadSession: async () => session,
  loadGpu: async () => gpu,
  loadTorch: async () => torch,
  startWorker: (file) => nodeWorker(new Worker(file ?? new URL("./node-worker.js", import.meta.url))),
  absolute: (address) => address,
  async sendImage(source) {
    const image = source as NodeImage;
    if (isKind(image, "String", "Blob", "File")) return [image, []];
    if (isKind(image, "URL")) return [fileURLToPath(`${image}`), []];
    if (isKind(image, "ArrayBuffer")) return transferred(new Uint8Array(image).slice());
    // A Buffer's slice is a view; what lies around it must not travel.
    if (isKind(image, "Uint8Array")) return transferred(new Uint8Array(image));
    const { data, width, height } = toPixels(image);
    const [copy, transfer] = transferred(new Uint8Array(data));
    return [{ data: copy, width, height }, transfer];
  },
  readPath: readModel,
  async decode(source, signal) {
    const image = source as NodeImage;
    if (typeof image === "string") return decodeFile(image, signal);
    if (isKind(image, "URL")) return decodeFile(fileURLToPath(`${image}`), signal);
    if (isKind(image, "Blob", "File")) {
      return decodeBytes(new Uint8Array(await image.arrayBuffer()), "the given blob");
    }
    if (isKind(image, "ArrayBuffer")) return decodeBytes(new Uint8Array(image), "the given buffer");
    if (isKind(image, "Uint8Array")) return decodeBytes(image, "the given buffer");
    return toPixels(image);
  },
  async findGpu() {
    // Dawn for Node, where its user has installed it; the name is not written out, so that no bundler looks for it.
    const name = "webgpu";
    const dawn = await import(name).catch(() => null);
    return (dawn?.create([]) as GPU) ?? null;
  },
  store: nodeStore,
  get defaultModel() {
    return new URL("./cifar10-resnet20.safetensors", import.meta.url);
  },
};

function transferred(bytes: Uint8Array<ArrayBuffer>): [Uint8Array, Transferable[]] {
  return [bytes, [bytes.buffer]];
}

async function readModel(path: string, signal: AbortSignal | null | undefined): Promise<ModelFiles> {
  const found = await stat(path).catch(() => null);
  if (!found) throw new SourceError(`No file at ${path}; check the path.`);
  if (!found.isDirectory()) return { bytes: await read(path, signal), origin: path };
  const [config, preprocessor] = await Promise.all([
    readJson(join(path, "config.json")),
    readJson(join(path, "preprocessor_config.json")),
  ]);
  for (const name of ["model.safetensors", "pytorch_model.bin"]) {
    const file = join(path, name);
    if (await stat(file).catch(() => null)) {
      return { bytes: await read(file, signal), origin: file, files: readFolder({ config, preprocessor }) };
    }
  }
  throw new SourceError(`${path} is a folder without model.safetensors or pytorch_model.bin; name a weights file.`);
}

async function read(path: string, signal: AbortSignal | null | undefined): Promise<Uint8Array> {
  try {
    return await readFile(path, { signal: signal ?? undefined });
  } catch (cause) {
    if ((cause as Error).name === "AbortError") throw signal?.reason ?? cause;
    throw new SourceError(`${path} could not be read: ${(cause as Error).message}`, { cause });
  }
}

async function readJson(path: string): Promise<unknown> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes && parseJson(bytes, path);
}
