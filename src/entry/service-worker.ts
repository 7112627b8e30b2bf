// As index.ts, but with the GPU path in it: a service worker may not import later.

import * as check from "../check/index.js";
import { UnsupportedModelError } from "../errors.js";
import * as features from "../features/index.js";
import { browserHost } from "../host/browser.js";
import * as gpu from "../host/gpu-path.js";
import type { Host } from "../host/host.js";
import { bundledModel } from "../host/page.js";
import { inputsOf } from "../image/inputs-of.js";
import type { BrowserImage } from "../image/kinds.js";
import * as ownPictures from "../image/own.js";
import * as integers from "../model/integers/index.js";
import * as onnx from "../model/onnx/index.js";
import * as unusual from "../model/unusual/index.js";
import type { Preprocess } from "../options.js";
import { openInPlace } from "../session/open.js";
import * as torch from "../weights/torch.js";
import { createApi } from "./api.js";

export * from "./public.js";
export type { BrowserImage, Classifier } from "./public-browser.js";

/** As `preprocess` of index.ts, which imports code that a service worker may not. */
export async function preprocess(
  image: BrowserImage,
  spec: Preprocess,
  { signal }: { signal?: AbortSignal | null } = {},
): Promise<Float32Array> {
  return (await inputsOf(host, image, [spec], signal))[0]!;
}

async function readForeign(_: unknown, origin: string): Promise<never> {
  throw new UnsupportedModelError(
    `${origin} holds weights in int8 that another tool wrote, which a service worker does not read. Convert it: npx resnet-edge convert.`,
  );
}

const host: Host = {
  ...browserHost,
  inFloat: true,
  loadGpu: async () => gpu,
  loadCheck: async () => check,
  loadFeatures: async () => features,
  loadTorch: async () => torch,
  loadOnnx: async () => onnx,
  loadForeign: async () => ({ readForeign }),
  loadIntegers: async () => integers,
  loadUnusual: async () => unusual,
  loadOwnPictures: async () => ownPictures,
};

export const { loadModel, loadClassifier } = createApi<BrowserImage>(bundledModel, (source, options) =>
  openInPlace(host, source, options, "in place: a service worker cannot start workers"),
);
