import type { Variant } from "../cpu/module.js";
import type { ThreadSupport } from "../cpu/threads/choose-threads.js";
import type { Pixels } from "../image/index.js";
import type { CropSpec } from "../image/preprocess.js";
import type { Readers } from "../model/build.js";
import type { ModelCard } from "../model/card.js";
import type { ClassifyOptions } from "../options.js";
import type { Body, Seekable } from "../source/body.js";
import type { Foreign } from "../weights/index.js";
import type { Store } from "./store.js";

/** A model file's bytes, and what lay beside them. */
export interface ModelFiles {
  readonly bytes: Uint8Array;
  /** Path or URL, for messages. */
  readonly origin: string;
  /** What lay beside it says. */
  readonly files?: readonly Partial<ModelCard>[];
}

/** A model file that is on its way, and what lies beside it. */
export interface ModelBody extends Omit<ModelFiles, "bytes"> {
  readonly body: Body | Seekable;
}

/** What differs between a browser and Node. Everything else is the same code. */
export interface Host extends Readers {
  /** Fetches and compiles a module of kernels, or that of pixels, which lies beside the library. */
  wasm(variant: Variant | "pixels"): Promise<WebAssembly.Module>;
  /** Networks of integers are computed in float here: the code for them would be too much. */
  readonly inFloat?: boolean;
  /** Reads a path or a file: URL; absent where there is no file system. */
  readPath?(path: string | URL, signal: AbortSignal | null | undefined): Promise<ModelFiles | ModelBody>;
  /** Of the thread that this code runs in. */
  readonly threadSupport: ThreadSupport;
  /** The code of the GPU path, which comes when it is needed. */
  loadGpu(): Promise<typeof import("./gpu-path.js")>;
  /** What looks at the first pictures of a model whose structure nobody stated. */
  loadCheck(): Promise<typeof import("../check/index.js")>;
  /** What looks into a network, for callers that ask for more than its answer. */
  loadFeatures(): Promise<typeof import("../features/index.js")>;
  /** The reader of PyTorch checkpoints, likewise. */
  loadTorch(): Promise<typeof import("../weights/torch.js")>;
  /** The reader of ONNX models, likewise. */
  loadOnnx?(): Promise<typeof import("../model/onnx/index.js")>;
  /** The reader of what other tools make of weights in int8, likewise. */
  loadForeign(): Promise<Foreign>;
  /** Reads a file in the folder of a model that `readPath` read: `bytes` are that model's. Null where they are not. */
  readBeside?(bytes: Uint8Array, name: string): Promise<Uint8Array | null>;
  /** Readers of pictures that browsers do not decode as PIL does, likewise; absent where all pictures are decoded otherwise. */
  loadOwnPictures?(): Promise<typeof import("../image/own.js")>;
  /** Decodes whatever counts as an image here. */
  decode(image: unknown, signal: AbortSignal | null | undefined): Promise<Pixels>;
  /**
   * Decodes no more than a network sees: for each of `specs` [height, width, 3] bytes of the crop; null where an image is decoded otherwise.
   * `part`: of the image, which is cut out first. Absent where that gains nothing.
   */
  crop?(
    image: unknown,
    specs: readonly CropSpec[],
    signal: AbortSignal | null | undefined,
    part?: Pick<ClassifyOptions, "region" | "rotation">,
  ): Promise<(Uint8Array | Uint8ClampedArray)[] | null>;
  /** Called when an image that was given to this thread has been used. */
  release?(image: unknown): void;
  /** WebGPU where it does not come as navigator.gpu, for those who insist on it; null where there is none. */
  findGpu?(): Promise<GPU | null>;
  /** Where calibrations are kept between visits. */
  readonly store?: Store;
}
