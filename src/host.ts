import type { Variant } from "./cpu/index.js";
import type { Pixels } from "./image/index.js";
import type { CardFiles } from "./model/index.js";

/** A model file's bytes, and what lay beside them. */
export interface ModelFiles {
  readonly bytes: Uint8Array;
  /** Path or URL, for messages. */
  readonly origin: string;
  readonly files?: CardFiles;
}

/** What differs between a browser and Node. Everything else is the same code. */
export interface Host {
  /** Fetches and compiles a module of kernels that lies beside the library. */
  wasm(variant: Variant): Promise<WebAssembly.Module>;
  /** Reads a path that is not a URL; absent where there is no file system. */
  readPath?(path: string, signal: AbortSignal | null | undefined): Promise<ModelFiles>;
  /** Decodes whatever counts as an image here. */
  decode(image: unknown, signal: AbortSignal | null | undefined): Promise<Pixels>;
  /** The bundled model. */
  readonly defaultModel: URL;
}
