import type { Host } from "./host.js";

export type Later =
  | "loadGpu"
  | "loadCheck"
  | "loadFeatures"
  | "loadTorch"
  | "loadOnnx"
  | "loadIntegers"
  | "loadUnusual"
  | "loadOwnPictures";

/** Code that a page loads when it is needed. A service worker may not import later, and has all of it in its file. */
export const later: Required<Pick<Host, Later>> = {
  loadGpu: () => import("./gpu-path.js"),
  loadCheck: () => import("../check/index.js"),
  loadFeatures: () => import("../features/index.js"),
  loadTorch: () => import("../weights/torch.js"),
  loadOnnx: () => import("../model/onnx/index.js"),
  loadIntegers: () => import("../model/integers/index.js"),
  loadUnusual: () => import("../model/unusual/index.js"),
  loadOwnPictures: () => import("../image/own.js"),
};
